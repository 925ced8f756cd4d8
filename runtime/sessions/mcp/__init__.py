"""Local MCP servers of a session.

local       the connection between an agent and a server inside the VM
stdio       a server that is a program of the VM
http        a server that is reached over HTTP
streams     lines between the two sides, bounded
"""
