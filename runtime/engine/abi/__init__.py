"""The component model's Canonical ABI: WIT values to and from the linear memory of guests.

    layout   sizes, alignments, flattening: pure functions of types
    handles  handle tables
    context  one memory, one handle table, and what a call may still take
    strings  the three encodings
    load     reading from memory
    store    writing to memory
    flat     values as core values, without memory
    results  what a host function answers, on its way into the guest
    calls    host functions as core functions, generated
    status   what those tell the glue

Source: https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md, the part that is synchronous.
"""
