;; Answers a stream of its own: one object changed, one added.
(module
  (@custom "windlass.plugin" "{\"abi\":1,\"name\":\"adds\",\"version\":\"0.1.0\",\"description\":\"Answers a fixed stream.\",\"license\":\"Apache-2.0\",\"source\":\"\",\"capabilities\":[],\"perObject\":false,\"configSchema\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"containers\":{\"type\":\"array\"},\"labels\":{\"type\":\"object\"}}}}")
  (memory (export "memory") 2)
  (data (i32.const 16) "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\n  labels:\n    team: payments\ndata:\n  key: value\n---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: two\n")
  (global $free (mut i32) (i32.const 1024))
  (func (export "windlass_alloc") (param $length i32) (result i32)
    (local $start i32)
    (local.set $start (global.get $free))
    (global.set $free (i32.add (global.get $free) (local.get $length)))
    (local.get $start))
  (func (export "windlass_render") (param i32 i32 i32 i32) (result i64)
    (i64.or (i64.shl (i64.const 16) (i64.const 32)) (i64.const 155))))
