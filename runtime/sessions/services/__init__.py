"""What the client side of ACP does for an agent.

client_services  the methods that an agent calls: fs/*, terminal/*
files            fs/*, by the VM or by a client
refusals         errors as answers to an agent
output           what a command writes, kept up to a bound and delivered piece by piece
terminals        commands that an agent runs in its VM
detached         work that goes on when its caller is gone
"""
