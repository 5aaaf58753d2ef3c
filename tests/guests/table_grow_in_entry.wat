;; exit 4: it needs more than 4Mi of memory
;; memory: 4Mi
(module
  (table 1 funcref)
  (func (export "helm_plugin_main") (result i32)
    (loop $again (drop (table.grow (ref.null func) (i32.const 1000))) (br $again))
    i32.const 0))
