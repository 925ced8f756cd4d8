"""The Python clients: `client` for trio and asyncio, `sync`, `errors` on the standard library alone."""
