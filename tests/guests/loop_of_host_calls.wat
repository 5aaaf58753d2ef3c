;; exit 4: it ran longer than 300ms
;; timeout: 300ms
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "free" (func $free (param i64)))
  (import "extism:host/env" "log_error" (func $log (param i64)))
  (func (export "helm_plugin_main") (result i32)
    (local $text i64)
    (loop $again
      (local.set $text (call $alloc (i64.const 4096)))
      (call $log (local.get $text))
      (call $free (local.get $text))
      (br $again))
    i32.const 0))
