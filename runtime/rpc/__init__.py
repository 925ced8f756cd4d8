"""The session API over a Unix socket and over HTTP: it translates, and decides nothing of VMs and sessions.

server          who is let in
listener        the Unix socket that it listens on
http_listener   where it listens for HTTP, and the token that clients show
gate            who may speak to it over HTTP
service         what all connections share, and the figures of `daemon.status`
metrics         figures for Prometheus

transport       what a connection needs of the wire, and the Unix socket's way to give it
framing         bytes to lines
websocket       frames in both directions
plain_http      what a peer wants over HTTP: these, or one request and its answer
server_events   a subscription as server-sent events
outbox          what waits to be written to one peer

connection      one peer: its requests, side by side, and what comes of them
messages        JSON-RPC as data
validation      params, with all that is wrong with them
subscriptions   replay, then live
file_serving    files of a session that the peer opens for its agent

methods         how a method of `runtime.api.methods` gets its handler, a line or two over `runtime.vms.host`
api             all methods with their handlers, which are by subject in
api_daemon      the daemon and the connection
api_vms         VMs
api_sessions    sessions
api_turns       prompts, their end, and what the agent asks in between
api_forks       forks
api_options     a session's mode and config options
api_files       a VM's files
api_many_files  many files at once
api_file_serving  files that a client serves
api_past        snapshots, differences and the way back
api_processes   commands in a VM
api_shells      the methods on shells
api_agents      agents
api_base        commands of all VMs
"""
