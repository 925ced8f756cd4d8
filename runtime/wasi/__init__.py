"""WASI 0.2 on the host: one module per package of interfaces, over neutral streams."""
