"""The fixtures of the system's tests."""

from tests.system.conftest import component_cache, own_daemon, scratch

__all__ = ["component_cache", "own_daemon", "scratch"]
