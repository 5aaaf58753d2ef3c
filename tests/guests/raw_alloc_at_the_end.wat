;; exit 1: not all inside its memory
(module
  (memory (export "memory") 1)
  (func (export "windlass_alloc") (param i32) (result i32) i32.const 65535)
  (func (export "windlass_render") (param i32 i32 i32 i32) (result i64) i64.const 0))
