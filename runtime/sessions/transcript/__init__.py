"""The transcript of a session: its events, kept in order for ever.

transcript   append events, commit them, publish them
growth       bounds: bytes of a turn, a session, a VM
network_log  what an agent's requests to the network become as events
recovery     what a crash of the daemon left open is closed
"""
