;; exit 4: it ran longer than 300ms
;; timeout: 300ms
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "error_set" (func $error_set (param i64)))
  (func (export "helm_plugin_main") (result i32)
    (call $error_set (call $alloc (i64.const 8)))
    (loop $again (br $again))
    i32.const 1))
