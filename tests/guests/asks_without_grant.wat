;; exit 3: it asks for `env` `TEAM` ("to label"), which it was not granted
;; hint: `--allow-env TEAM`
(module
  (@custom "windlass.plugin" "{\"abi\":1,\"capabilities\":[{\"capability\":\"env\",\"value\":\"TEAM\",\"why\":\"to label\"}]}")
  (func $start unreachable)
  (start $start)
  (func (export "helm_plugin_main") (result i32) unreachable))
