;; exit 1: it failed with code 7
;; timeout: 5s
(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 24) "\00\a0\b8\30\46\03\00\00") ;; 3,600,000,000,000 ns
  (func (export "helm_plugin_main") (result i32)
    (if (call $poll (i32.const 0) (i32.const 1024) (i32.const 1) (i32.const 2048)) (then unreachable))
    i32.const 7))
