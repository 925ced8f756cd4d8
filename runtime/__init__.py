"""Torpor: everything outside the sandbox."""
