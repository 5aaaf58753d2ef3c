;; exit 4: with 1048576 bytes, and 16384 are the most
;; grant: env TEAM
;; A name of a megabyte would be in the error as well.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "windlass:host/env" "env_get" (func $ask (param i64) (result i64)))
  (memory 1)
  (func (export "helm_plugin_main") (result i32)
    (drop (call $ask (call $alloc (i64.const 1048576))))
    i32.const 0))
