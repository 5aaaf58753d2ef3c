;; exit 4: it needs more than 1Mi of memory
;; memory: 1Mi
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (memory 12)
  (func (export "helm_plugin_main") (result i32)
    (drop (call $alloc (i64.const 200000)))
    (drop (call $alloc (i64.const 200000)))
    i32.const 0))
