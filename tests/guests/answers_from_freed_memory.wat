;; exit 1: it called `output_set` with an offset that is in no block of its own
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "free" (func $free (param i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (func (export "helm_plugin_main") (result i32)
    (local $block i64)
    (local.set $block (call $alloc (i64.const 64)))
    (call $free (local.get $block))
    (call $output_set (local.get $block) (i64.const 64))
    i32.const 0))
