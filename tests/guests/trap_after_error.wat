;; exit 1: panicked!
;; A PDK's panic hook leaves a text before it traps; it must not get lost.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
  (import "extism:host/env" "error_set" (func $error_set (param i64)))
  (func (export "helm_plugin_main") (result i32)
    (local $text i64)
    (local.set $text (call $alloc (i64.const 9)))
    (call $store (local.get $text) (i64.const 0x64656b63696e6170)) ;; "panicked"
    (call $store (i64.add (local.get $text) (i64.const 8)) (i64.const 0x21)) ;; "!"
    (call $error_set (local.get $text))
    unreachable))
