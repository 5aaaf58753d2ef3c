;; exit 1: it crashed: out of bounds memory access
(module
  (memory 1)
  (func (export "helm_plugin_main") (result i32) (i32.load offset=4294967295 (i32.const -1))))
