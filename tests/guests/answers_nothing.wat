;; exit 1: answered nothing
(module (func (export "helm_plugin_main") (result i32) i32.const 0))
