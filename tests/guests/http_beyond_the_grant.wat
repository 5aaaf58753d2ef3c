;; exit 3: and no grant allows it
;; hint: `--allow-net 169.254.169.254:80`
;; grant: net registry.example
;; Granted one host, it asks for another: the metadata service of a cloud.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "http_request" (func $request (param i64 i64) (result i64)))
  (memory 1)
  (data (i32.const 0) "{\"url\":\"http://169.254.169.254/latest/meta-data/\"}")
  (func (export "helm_plugin_main") (result i32)
    (local $at i32) (local $block i64)
    (local.set $block (call $alloc (i64.const 50)))
    (loop $copy
      (call $store
        (i64.add (local.get $block) (i64.extend_i32_u (local.get $at)))
        (i32.load8_u (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $copy (i32.lt_u (local.get $at) (i32.const 50))))
    (drop (call $request (local.get $block) (i64.const 0)))
    i32.const 0))
