"""The Python clients: `client` for trio and asyncio, `sync`, `greeting`, `errors` on the standard library alone."""
