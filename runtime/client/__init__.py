"""The Python client. `runtime.client.sync` and `endpoint` need nothing beyond the standard library."""
