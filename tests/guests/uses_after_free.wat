;; exit 1: it called `load_u64` with an offset that is in no block of its own
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "free" (func $free (param i64)))
  (import "extism:host/env" "load_u64" (func $load (param i64) (result i64)))
  (func (export "helm_plugin_main") (result i32)
    (local $block i64)
    (local.set $block (call $alloc (i64.const 64)))
    (call $free (local.get $block))
    (drop (call $load (local.get $block)))
    i32.const 0))
