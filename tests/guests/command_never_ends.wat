;; exit 4: it ran longer than 500ms
;; timeout: 500ms
(module (func (export "_start") (loop $for_ever (br $for_ever))))
