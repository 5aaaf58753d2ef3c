;; exit 4: it ran longer than 500ms
;; timeout: 500ms
;; Of standard error only so much is kept.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 16)
  (func (export "_start")
    (i32.store (i32.const 4) (i32.const 1048576))
    (loop $for_ever
      (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br $for_ever))))
