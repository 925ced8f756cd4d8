"""`torpor bin`, and `--base`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.cli import exits

if TYPE_CHECKING:
    from tests.cli.places import Place

TINY = Path(__file__).parents[1] / "guests" / "dist" / "exit_code.wasm"


def test_commands_are_added_listed_and_removed(place: Place, tmp_path: Path) -> None:
    (tmp_path / "code.wasm").write_bytes(TINY.read_bytes())
    done = place.run("bin", "add", str(tmp_path / "code.wasm"))
    assert re.search(r"^torpor: code is in /bin of all VMs \(\d\.\d MB\)\n", done.stderr, re.MULTILINE), done.stderr
    assert json.loads(place.run("bin", "add", str(TINY), "--name", "other", "--json").stdout)["name"] == "other"
    listed = place.run("bin", "list").stdout
    assert re.search(r"^code +user +[0-9a-f]{12}$", listed, re.MULTILINE), listed
    rows = [json.loads(line) for line in place.run("bin", "list", "--json").stdout.splitlines()]
    assert {"code", "other"} <= {row["name"] for row in rows}
    place.run("run", "echo", "hi")
    assert place.run("exec", "--", "code", "7").returncode == 7
    assert place.run("bin", "remove", "code").returncode == exits.OK
    assert json.loads(place.run("bin", "remove", "other", "--json").stdout) == {"removed": "other"}
    done = place.run("bin", "remove", "other")
    assert (done.returncode, "no command 'other' was added" in done.stderr) == (exits.FAILED, True)


def test_a_vm_is_made_without_a_base(place: Place) -> None:
    place.run("run", "echo", "hi", "--vm", "bare", "--base", "none")
    rows = [json.loads(line) for line in place.run("vms", "--json").stdout.splitlines()]
    assert next(row["options"] for row in rows if row["vm"] == "bare") == {"base": "none"}


def test_an_import_says_which_commands_are_missing(place: Place, tmp_path: Path) -> None:
    file = str(tmp_path / "vm.torpor")
    place.run("bin", "add", str(TINY), "--name", "code")
    place.run("run", "echo", "hi")
    done = place.run("export", "default", file)
    assert "what was added here and the VM may need there is not in it: command code\n" in done.stderr
    place.run("bin", "remove", "code")
    done = place.run("import", file, "--vm", "second")
    assert re.search(
        r"^torpor: the command code \([0-9a-f]{12}\) is missing here: `torpor bin add`", done.stderr, re.MULTILINE
    )
    place.run("bin", "add", str(TINY.with_name("spin.wasm")), "--name", "code")
    done = place.run("import", file, "--vm", "third")
    assert re.search(
        r"^torpor: the command code is another one here: [0-9a-f]{12}, and not ", done.stderr, re.MULTILINE
    )
    (lack,) = json.loads(place.run("import", file, "--vm", "fourth", "--json").stdout)["lacks"]
    assert (lack["kind"], lack["name"], len(lack["here"])) == ("command", "code", 64)
