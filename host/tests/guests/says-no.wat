;; Sets an error text and answers with the failure code 1: the plugin said no.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "error_set" (func $error_set (param i64)))
  (memory (export "memory") 2)
  (data (i32.const 16) "Deployment/web (line 12): the label \22team\22 is missing\1b[31m")
  (global $free (mut i32) (i32.const 1024))
  (func (export "windlass_alloc") (param $length i32) (result i32)
    (local $start i32)
    (local.set $start (global.get $free))
    (global.set $free (i32.add (global.get $free) (local.get $length)))
    (local.get $start))
  (func (export "windlass_render") (param i32 i32 i32 i32) (result i64)
    (local $block i64) (local $index i32)
    (local.set $block (call $alloc (i64.const 58)))
    (loop $copy
      (call $store
        (i64.add (local.get $block) (i64.extend_i32_u (local.get $index)))
        (i32.load8_u (i32.add (i32.const 16) (local.get $index))))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br_if $copy (i32.lt_u (local.get $index) (i32.const 58))))
    (call $error_set (local.get $block))
    (i64.const -1)))
