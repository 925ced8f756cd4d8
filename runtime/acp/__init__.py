"""The Agent Client Protocol, version 1, as data: frames, messages, the client's connection and the state machines.

    codec          bytes from an agent to classified messages, and messages to bytes
    messages       the messages that the client looks into, as typed records
    connection     which requests are out, which are being served, what a message means
    turn           the states of a turn
    session_state  the state of a session, as a fold over its transcript
    usage          tokens, cost and context, as the agent tells them
    halves         characters that an agent has cut in two

Nothing here does I/O or knows a clock; `runtime.sessions` moves the bytes and keeps the time.
"""
