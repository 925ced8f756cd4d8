"""The session API over a Unix socket and over HTTP: it translates, and decides nothing of VMs and sessions.

server, listener, http_listener, gate    who is let in
service                                  what all connections share, and the figures of `daemon.status`
transport, framing, outbox, websocket    lines and frames, in and out
connection                               one peer: its requests, side by side, and what comes of them
messages, validation                     JSON-RPC as data, and params with all that is wrong with them
subscriptions                            replay, then live
methods, api, api_*                      the handlers of `runtime.api.methods`, each a line or two over `runtime.vms.host`
"""
