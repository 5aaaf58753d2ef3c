;; exit 4: it ran longer than 300ms
;; timeout: 300ms
(module
  (func $forever (loop $again (br $again)))
  (start $forever)
  (func (export "helm_plugin_main") (result i32) i32.const 0))
