;; exit 1: 
(module (func (export "_start")))
