"""`torpor agent`."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from runtime.cli import exits
from runtime.vms.catalogue import built_in_directory

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.places import Place

ECHO = built_in_directory() / "dist" / "echo.wasm"


def test_agents_are_added_listed_and_removed(place: Place, tmp_path: Path) -> None:
    place.environment["TORPOR_AGENTS"] = str(tmp_path / "own")
    (tmp_path / "agent.wasm").write_bytes(ECHO.read_bytes())
    done = place.run("agent", "add", str(tmp_path / "agent.wasm"))
    assert done.stderr.splitlines()[-1].startswith("torpor: agent can be run: Echo ")
    digest = hashlib.sha256(ECHO.read_bytes()).hexdigest()
    made = json.loads(place.run("agent", "add", str(ECHO), "--name", "other", "--json").stdout)
    assert (made["id"], made["sha256"]) == ("other", digest)
    assert place.run("agent", "list").stdout == place.run("agents").stdout
    rows = [json.loads(line) for line in place.run("agent", "list", "--json").stdout.splitlines()]
    assert [row["id"] for row in rows if row["sha256"] == digest] == ["agent", "other"]
    assert place.run("run", "other", "say hi").stdout == "hi\n"
    assert place.run("agent", "remove", "agent").returncode == exits.OK
    assert json.loads(place.run("agent", "remove", "other", "--json").stdout) == {"removed": "other"}
    done = place.run("agent", "remove", "echo")
    assert (done.returncode, "no agent 'echo' was added" in done.stderr) == (exits.FAILED, True)
    done = place.run("agent", "add", str(tmp_path / "own"))
    assert (done.returncode, "no agent" in done.stderr) == (exits.FAILED, True)
