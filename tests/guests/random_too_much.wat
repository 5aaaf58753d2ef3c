;; exit 4: random bytes at once
;; grant: random
(module
  (import "windlass:host/env" "random_bytes" (func $draw (param i64) (result i64)))
  (func (export "helm_plugin_main") (result i32)
    (drop (call $draw (i64.const -1)))
    i32.const 7))
