"""What may be wrong with an installation, looked at without changing anything.

agents   the agents that this environment finds
finding  what a check has found
machine  the cache of machine code, the engine, the disk, the limits, the versions
state    the state file, its directory, and the key that seals what is secret in it
daemon   the socket and who serves it
"""
