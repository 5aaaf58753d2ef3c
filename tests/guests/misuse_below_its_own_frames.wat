;; exit 1: it called `output_set` with an offset that is in no block of its own
;; A host function ends the guest a thousand calls deep, through a table.
(module
  (import "extism:host/env" "output_set" (func $set (param i64 i64)))
  (table 1 funcref)
  (elem (i32.const 0) $down)
  (type $counted (func (param i32)))
  (func $down (type $counted)
    (if (i32.eqz (local.get 0))
      (then (call $set (i64.const 1) (i64.const -1)))
      (else (call_indirect (type $counted) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))))
  (func (export "helm_plugin_main") (result i32)
    (call $down (i32.const 1000))
    i32.const 0))
