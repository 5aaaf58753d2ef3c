;; exit 1: it ended itself with code 0
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "helm_plugin_main") (result i32) (call $exit (i32.const 0)) i32.const 0))
