;; exit 2: use a newer Windlass
(module
  (@custom "windlass.plugin" "{\"abi\":2,\"name\":\"x\"}")
  (func (export "helm_plugin_main") (result i32) unreachable))
