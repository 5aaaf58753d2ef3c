;; exit 2: there is no capability `root`
(module
  (@custom "windlass.plugin" "{\"capabilities\":[{\"capability\":\"root\",\"value\":\"\"}]}")
  (func (export "helm_plugin_main") (result i32) unreachable))
