"""`torpor salvage` from the command line."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from runtime.cli import exits
from tests.patience import WAIT
from tests.system.daemon import SERVE, Daemon, Vm

if TYPE_CHECKING:
    from pathlib import Path


def salvage(*words: object) -> subprocess.CompletedProcess[str]:
    command = [*SERVE[:-1], "salvage", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=WAIT, check=False)


def test_what_is_left_is_imported_again(own_daemon: Daemon, tmp_path: Path) -> None:
    with own_daemon.connect() as api:
        session = Vm(api, "one").session()
        session.prompt("fswrite a.txt kept; say hello")
        events = session.events()
    refused = salvage(own_daemon.state, "--output", tmp_path / "out")
    assert refused.returncode == exits.FAILED
    assert "another Torpor daemon" in refused.stderr
    own_daemon.kill()
    before = own_daemon.state.read_bytes()
    spoilt = tmp_path / "spoilt.db"
    spoilt.write_bytes(bytes(4096) + before[4096:])  # without its schema
    log = own_daemon.state.with_name(f"{own_daemon.state.name}-wal")
    spoilt.with_name("spoilt.db-wal").write_bytes(log.read_bytes())
    done = salvage(spoilt, "--output", tmp_path / "out", "--json")
    outcome = json.loads(done.stdout)
    assert [each["vm"] for each in outcome["exports"]] == ["one"], done.stderr
    own_daemon.start()
    with own_daemon.connect() as api:
        api.call("vm.destroy", vm="one")
        api.call("vm.import", path=outcome["exports"][0]["path"])
        again = session.through(api)
        assert again.events()[: len(events)] == events
        assert Vm(api, "one").read("/home/user/a.txt") == "kept"
        assert again.say("say on").endswith("on")


def test_nothing_to_read(tmp_path: Path) -> None:
    assert salvage(tmp_path / "none", "--output", tmp_path / "out").returncode == exits.FAILED
    (tmp_path / "x").write_text("nothing")
    done = salvage(tmp_path / "x", "--output", tmp_path / "out")
    assert done.returncode == exits.FAILED
    assert "nothing could be read" in done.stdout
