"""What can be wrong with a component, before any of its code runs."""

from __future__ import annotations


class ComponentError(Exception):
    """The file cannot be run; the message says why, and what to do about it."""


class InvalidComponentError(ComponentError):
    """Not a component at all, or a damaged one."""


class UnsupportedComponentError(ComponentError):
    """A valid component that needs something this runtime does not provide."""
