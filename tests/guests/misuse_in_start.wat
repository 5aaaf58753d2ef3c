;; exit 1: it called `load_u64` with an offset that is in no block of its own
(module
  (import "extism:host/env" "load_u64" (func $load (param i64) (result i64)))
  (func $start (drop (call $load (i64.const 0x7fffffffffffffff))))
  (start $start)
  (func (export "helm_plugin_main") (result i32) i32.const 0))
