;; exit 1: it failed with code 7
;; free and length of anything are harmless, as in Extism.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "free" (func $free (param i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (func (export "helm_plugin_main") (result i32)
    (local $block i64)
    (local.set $block (call $alloc (i64.const 64)))
    (call $free (i64.const 0)) (call $free (i64.const -1)) (call $free (i64.add (local.get $block) (i64.const 8)))
    (if (i64.ne (call $length (local.get $block)) (i64.const 64)) (then unreachable))
    (call $free (local.get $block)) (call $free (local.get $block))
    (if (i64.ne (call $length (local.get $block)) (i64.const 0)) (then unreachable))
    i32.const 7))
