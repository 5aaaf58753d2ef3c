;; exit 4: it ran longer than 300ms
;; timeout: 300ms
(module
  (memory (export "memory") 1)
  (func (export "windlass_alloc") (param i32) (result i32) (loop $again (br $again)) i32.const 0)
  (func (export "windlass_render") (param i32 i32 i32 i32) (result i64) i64.const 0))
