;; exit 2: asks for a capability `root`
(module
  (@custom "windlass.plugin" "{\"abi\":1,\"capabilities\":[{\"capability\":\"root\",\"value\":\"\"}]}")
  (func (export "helm_plugin_main") (result i32) unreachable))
