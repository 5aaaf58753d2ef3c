;; exit 4: of memory
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
  (import "extism:host/env" "var_set" (func $set (param i64 i64)))
  (func (export "helm_plugin_main") (result i32)
    (local $key i64) (local $value i64) (local $count i64)
    (local.set $key (call $alloc (i64.const 8)))
    (local.set $value (call $alloc (i64.const 65536)))
    (loop $again
      (call $store (local.get $key) (local.get $count))
      (call $set (local.get $key) (local.get $value))
      (local.set $count (i64.add (local.get $count) (i64.const 1)))
      (br $again))
    i32.const 0))
