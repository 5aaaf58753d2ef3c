;; exit 4: it needs more than 8Mi of memory
;; memory: 8Mi
(module
  (memory 1)
  (func $grow (loop $again (drop (memory.grow (i32.const 1))) (br $again)))
  (start $grow)
  (func (export "helm_plugin_main") (result i32) i32.const 0))
