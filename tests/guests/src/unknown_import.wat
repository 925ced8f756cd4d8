;; A component that imports what no host of ours has.
(component
  (import "example:host/thing@1.0.0" (instance
    (export "do" (func)))))
