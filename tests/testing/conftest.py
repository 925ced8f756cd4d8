"""The cache of compiled agents that the daemons of these tests share."""

from __future__ import annotations

from tests.system.conftest import component_cache

__all__ = ["component_cache"]
