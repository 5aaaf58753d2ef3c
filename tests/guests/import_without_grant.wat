;; exit 3: it imports `http_request` of `extism:host/env`, which needs `net`
;; hint: `--allow-net HOST[:PORT]`
(module
  (import "extism:host/env" "http_request" (func (param i64 i64) (result i64)))
  (func (export "helm_plugin_main") (result i32) unreachable))
