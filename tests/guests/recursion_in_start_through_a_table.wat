;; exit 4: it called itself too deeply
(module
  (table funcref (elem $deeper))
  (func $deeper (param i32 i64 f64) (result i32)
    (i32.add (i32.const 1)
      (call_indirect (param i32 i64 f64) (result i32)
        (local.get 0) (local.get 1) (local.get 2) (i32.const 0))))
  (func $begin (drop (call $deeper (i32.const 1) (i64.const 2) (f64.const 3))))
  (start $begin)
  (func (export "helm_plugin_main") (result i32) i32.const 0))
