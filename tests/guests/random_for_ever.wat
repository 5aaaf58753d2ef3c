;; exit 4: of memory
;; grant: random
;; memory: 8Mi
(module
  (import "windlass:host/env" "random_bytes" (func $draw (param i64) (result i64)))
  (func (export "helm_plugin_main") (result i32)
    (loop $again
      (drop (call $draw (i64.const 1048576)))
      (br $again))
    unreachable))
