;; exit 1: it crashed: integer divide by zero
(module
  (func $start (drop (i32.div_u (i32.const 1) (i32.const 0))))
  (start $start)
  (func (export "helm_plugin_main") (result i32) i32.const 0))
