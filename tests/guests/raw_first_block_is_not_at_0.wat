;; exit 1: plain no
;; Offset 0 means "nothing" to every Extism function, so no block may lie there, in the raw entry neither.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
  (import "extism:host/env" "error_set" (func $error_set (param i64)))
  (memory (export "memory") 1)
  (func (export "windlass_alloc") (param i32) (result i32) i32.const 1024)
  (func (export "windlass_render") (param i32 i32 i32 i32) (result i64)
    (local $text i64)
    (local.set $text (call $alloc (i64.const 8)))
    (call $store (local.get $text) (i64.const 0x6f6e206e69616c70)) ;; "plain no"
    (call $error_set (local.get $text))
    i64.const -1))
