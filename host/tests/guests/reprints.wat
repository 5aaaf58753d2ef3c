;; Prints its one object anew, with one more entry, and asks for its answer to be grafted. With an extra argument it looks at
;; the clock, which it does without otherwise.
(module
  (@custom "windlass.plugin" "{\"abi\":1,\"name\":\"reprints\",\"version\":\"1.2.3\",\"description\":\"Prints anew.\",\"license\":\"Apache-2.0\",\"source\":\"\",\"capabilities\":[{\"capability\":\"clock\",\"why\":\"to look at it\",\"optional\":true}],\"perObject\":false,\"graft\":true,\"configSchema\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{}}}")
  (import "windlass:host/env" "clock_now" (func $now (result i64)))
  (memory (export "memory") 2)
  (data (i32.const 16) "data:\n  new: x\n  key: value\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: one}\n")
  (global $free (mut i32) (i32.const 1024))
  (func (export "windlass_alloc") (param $length i32) (result i32)
    (local $start i32)
    (local.set $start (global.get $free))
    (global.set $free (i32.add (global.get $free) (local.get $length)))
    (local.get $start))
  (func (export "windlass_render") (param i32 i32 i32 i32) (result i64)
    (if (i32.gt_u (local.get 3) (i32.const 2)) (then (drop (call $now))))
    (i64.or (i64.shl (i64.const 16) (i64.const 32)) (i64.const 81))))
