;; exit 2: section is not JSON
(module
  (@custom "windlass.plugin" "[[[[[[[[")
  (func (export "helm_plugin_main") (result i32) unreachable))
