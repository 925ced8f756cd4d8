"""A differential fuzzer of the engine: the same components on it and on wasmtime's component API, which must agree.

`shapes` makes random function types, `component` a guest around them that calls them with random arguments, `host` the host
functions, which note what they get and answer at random, and `compare` runs a guest on both and says where they differ.
"""
