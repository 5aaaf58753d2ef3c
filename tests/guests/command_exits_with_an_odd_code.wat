;; exit 1: it ended with exit code 4294967295 and wrote nothing to its standard error
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (func (export "_start") (call $exit (i32.const -1))))
