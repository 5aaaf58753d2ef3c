;; exit 2: the plugin's entry `_start` is `(i32)` and must be `()`
(module (func (export "_start") (param i32)))
