;; exit 1: it crashed
(module
  (table 1 funcref)
  (func (export "helm_plugin_main") (result i32) (call_indirect (result i32) (i32.const 0))))
