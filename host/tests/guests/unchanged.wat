;; Answers that nothing changes. Knows two configuration keys.
(module
  (@custom "windlass.plugin" "{\"abi\":1,\"name\":\"unchanged\",\"version\":\"1.2.3\",\"description\":\"Changes nothing.\",\"license\":\"Apache-2.0\",\"source\":\"https://example.org/unchanged\",\"capabilities\":[],\"perObject\":false,\"configSchema\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"labels\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},\"podTemplates\":{\"type\":\"boolean\"}}}}")
  (memory (export "memory") 1)
  (global $free (mut i32) (i32.const 1024))
  (func (export "windlass_alloc") (param $length i32) (result i32)
    (local $start i32)
    (local.set $start (global.get $free))
    (global.set $free (i32.add (global.get $free) (local.get $length)))
    (if (i32.gt_u (global.get $free) (i32.mul (memory.size) (i32.const 65536)))
      (then (drop (memory.grow (i32.add (i32.div_u (local.get $length) (i32.const 65536)) (i32.const 1))))))
    (local.get $start))
  (func (export "windlass_render") (param i32 i32 i32 i32) (result i64) (i64.const 0)))
