"""The `torpor` command. Its client commands import nothing beyond the standard library."""
