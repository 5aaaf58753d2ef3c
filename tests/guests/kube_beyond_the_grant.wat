;; exit 3: the plugin wants to get secrets.v1/kube-system, and no grant allows it
;; hint: `--allow-kube get:secrets.v1/kube-system`
;; grant: kube get:secrets.v1/web
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "windlass:host/env" "kube_get" (func $ask (param i64 i64) (result i64)))
  (memory 1)
  (data (i32.const 0) "secrets.v1/kube-system")
  (data (i32.const 64) "token")
  (func $text (param $at i32) (param $length i32) (result i64)
    (local $block i64) (local $to i64)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $length))))
    (local.set $to (local.get $block))
    (loop $copy
      (call $store (local.get $to) (i32.load8_u (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $to (i64.add (local.get $to) (i64.const 1)))
      (br_if $copy (local.tee $length (i32.sub (local.get $length) (i32.const 1)))))
    (local.get $block))
  (func (export "helm_plugin_main") (result i32)
    (drop (call $ask (call $text (i32.const 0) (i32.const 22)) (call $text (i32.const 64) (i32.const 5))))
    i32.const 7))
