;; exit 1: \u{1b}[2J\u{1b}]0
;; What a guest says must not move the terminal's cursor.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
  (import "extism:host/env" "error_set" (func $error_set (param i64)))
  (func (export "helm_plugin_main") (result i32)
    (local $text i64)
    (local.set $text (call $alloc (i64.const 8)))
    (call $store (local.get $text) (i64.const 0x305d1b4a325b1b)) (call $error_set (local.get $text)) i32.const 1))
