"""The Agent Client Protocol, version 1, as data: frames, messages, the client's connection and the state machines.

Nothing here does I/O or knows a clock; `runtime.sessions` moves the bytes and keeps the time.
"""
