"""`torpor start`: a daemon, unless there is one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runtime.cli import exits
from runtime.version import VERSION

if TYPE_CHECKING:
    from tests.cli.places import Place


def test_one_is_started_and_then_found(place: Place) -> None:
    first = place.run("start", "--json")
    assert first.returncode == exits.OK, first.stderr
    about = json.loads(first.stdout)
    assert (about["pid"], about["socket"]) == (place.status()["pid"], str(place.socket))
    again = place.run("start")
    assert again.returncode == exits.OK
    assert again.stderr == f"torpor: torpor {VERSION} serves {place.socket} (process {about['pid']})\n"
