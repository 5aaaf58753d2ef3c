;; exit 0
;; The memory moves between alloc and render: the host must look again each time.
(module
  (memory (export "memory") 1)
  (func (export "windlass_alloc") (param i32) (result i32)
    (i32.shl (memory.grow (i32.const 40)) (i32.const 16)))
  (func (export "windlass_render") (param i32 i32 i32 i32) (result i64)
    (drop (memory.grow (i32.const 100)))
    (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1)))))
