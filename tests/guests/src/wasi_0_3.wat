;; A component that wants WASI 0.3: it cannot be run, and must be told so by name.
(component
  (import "wasi:cli/environment@0.3.0" (instance
    (export "get-arguments" (func (result (list string)))))))
