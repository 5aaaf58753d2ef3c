;; exit 3: it asks for `env` `TEAM` ("\u{1b}[2Jgranted\u{202e}"), which it was not granted
(module
  (@custom "windlass.plugin" "{\"abi\":1,\"capabilities\":[{\"capability\":\"env\",\"value\":\"TEAM\",\"why\":\"\\u001b[2Jgranted\\u202e\"}]}")
  (func (export "helm_plugin_main") (result i32) unreachable))
