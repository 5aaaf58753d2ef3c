;; exit 4: it answered 1000000 bytes, more than 1Ki
;; max-output: 1Ki
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (func (export "helm_plugin_main") (result i32)
    (call $output_set (call $alloc (i64.const 1000000)) (i64.const 1000000))
    i32.const 0))
