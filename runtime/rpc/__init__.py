"""The session API over a Unix socket: framing, one table of methods, connections and subscriptions. No logic of its own."""
