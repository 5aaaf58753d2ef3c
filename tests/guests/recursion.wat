;; exit 4: it called itself too deeply
(module
  (func $deeper (call $deeper))
  (func (export "helm_plugin_main") (result i32) call $deeper i32.const 0))
