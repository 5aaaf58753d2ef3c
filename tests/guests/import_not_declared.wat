;; exit 3: and its metadata does not ask for `net`
;; grant: net registry.example
(module
  (@custom "windlass.plugin" "{\"abi\":1,\"name\":\"x\",\"capabilities\":[]}")
  (import "extism:host/env" "http_request" (func (param i64 i64) (result i64)))
  (func (export "helm_plugin_main") (result i32) unreachable))
