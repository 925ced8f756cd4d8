"""The Python clients: `client` for trio and asyncio, `sync`, `endpoint`, `errors` on the standard library alone."""
