;; exit 2: the plugin's metadata cannot be read
(module
  (@custom "windlass.plugin" "[[[[[[[[")
  (func (export "helm_plugin_main") (result i32) unreachable))
