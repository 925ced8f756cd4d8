;; A component without imports or exports: valid, but no command.
(component)
