"""How long a test waits for what is sure to come.

No test says by a clock whether the code is right. What a test waits for comes on any machine, however busy; the bound is
there so that a test of code that hangs fails and says where it waited. So there is one bound, and it is long.
"""

from __future__ import annotations

from typing import Final

WAIT: Final = 120.0
"""Seconds. Below `faulthandler_timeout` in pyproject.toml, which ends the whole process of a test that has no bound."""
