;; exit 4: of memory
(module
  (table 1 funcref)
  (func $grow (loop $again (drop (table.grow (ref.null func) (i32.const 1000))) (br $again)))
  (start $grow)
  (func (export "helm_plugin_main") (result i32) i32.const 0))
