;; exit 3: HOME
;; hint: `--allow-env HOME`
;; grant: env TEAM
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "windlass:host/env" "env_get" (func $ask (param i64) (result i64)))
  (memory 1)
  (data (i32.const 0) "HOME")
  (func (export "helm_plugin_main") (result i32)
    (local $at i32) (local $block i64)
    (local.set $block (call $alloc (i64.const 4)))
    (loop $copy
      (call $store
        (i64.add (local.get $block) (i64.extend_i32_u (local.get $at)))
        (i32.load8_u (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $copy (i32.lt_u (local.get $at) (i32.const 4))))
    (drop (call $ask (local.get $block)))
    i32.const 7))
