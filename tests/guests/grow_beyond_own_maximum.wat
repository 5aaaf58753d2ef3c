;; exit 1: plain no
;; The maximum that the module declares itself is no limit of the host: growth answers -1 and the guest goes on.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
  (import "extism:host/env" "error_set" (func $error_set (param i64)))
  (memory 1 2)
  (func (export "helm_plugin_main") (result i32)
    (local $text i64)
    (if (i32.ne (memory.grow (i32.const 2)) (i32.const -1)) (then unreachable))
    (local.set $text (call $alloc (i64.const 8)))
    (call $store (local.get $text) (i64.const 0x6f6e206e69616c70)) ;; "plain no"
    (call $error_set (local.get $text))
    i32.const 1))
