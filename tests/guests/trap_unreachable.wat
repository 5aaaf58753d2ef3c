;; exit 1: it crashed: wasm `unreachable` instruction executed
(module (func (export "helm_plugin_main") (result i32) unreachable))
