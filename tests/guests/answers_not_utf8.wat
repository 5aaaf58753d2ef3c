;; exit 1: its output is not UTF-8 (line 2)
(module
  (memory (export "memory") 16)
  (data (i32.const 16) "a: 1\n\ff\fe\n")
  (func (export "windlass_alloc") (param i32) (result i32) i32.const 1024)
  (func (export "windlass_render") (param i32 i32 i32 i32) (result i64) (i64.const 0x1000000008)))
