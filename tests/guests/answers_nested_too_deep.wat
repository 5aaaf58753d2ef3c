;; exit 1: its output cannot be read
;; Ten thousand lists inside each other.
(module
  (memory (export "memory") 2)
  (func (export "windlass_alloc") (param i32) (result i32) i32.const 1024)
  (func (export "windlass_render") (param i32 i32 i32 i32) (result i64)
    (memory.fill (i32.const 32768) (i32.const 0x5b) (i32.const 10000))
    (i64.or (i64.shl (i64.const 32768) (i64.const 32)) (i64.const 10000))))
