;; exit 4: with 1048576 bytes, and 262144 are the most
;; grant: net registry.example
;; A request of a megabyte besides its body: as header fields, millions of them, it would be a hundred times as much in the host.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "http_request" (func $request (param i64 i64) (result i64)))
  (memory 1)
  (func (export "helm_plugin_main") (result i32)
    (drop (call $request (call $alloc (i64.const 1048576)) (i64.const 0)))
    i32.const 0))
