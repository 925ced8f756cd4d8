"""`torpor agent`."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from runtime.cli import exits
from runtime.doctor.agents import check_agents
from runtime.vms.base import added_directory
from runtime.vms.catalogue import Catalogue, built_in_directory, read_manifest
from tests.vms.test_script_agents import script_in

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

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


def test_an_agent_that_cannot_be_run_says_why(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "agents" / "spelt"
    folder.mkdir(parents=True)
    (folder / "agent.toml").write_text('id = "x"\ntitle = "X"\nversion = "1"\ncomponent = "x.wasm"\nnetworks = []\n')
    told = "there is no member `networks`; is it `network`?"
    env = {"TORPOR_AGENTS": str(folder.parent)}
    done = place.run("agents", **env)
    assert done.returncode == 0
    assert f"spelt cannot be run: {folder}/agent.toml: {told}\n" in done.stderr
    assert "spelt" not in done.stdout
    examined = place.run("doctor", "--json", **env)
    (found,) = [each for each in map(json.loads, examined.stdout.splitlines()) if each["check"] == "agents"]
    assert (found["verdict"], examined.returncode) == ("warn", 0)
    assert told in found["message"]
    assert "spelt" in place.run("run", "spelt", "x", **env).stderr
    (folder / "agent.toml").write_text('id = "x"\ntitle = "X"\nversion = "1"\ncomponent = "x.wasm"\n')
    assert "x cannot be run: its component x.wasm has not been built" in place.run("agents", **env).stderr


def test_an_agent_is_checked_and_not_added(place: Place, tmp_path: Path) -> None:
    place.environment["TORPOR_AGENTS"] = str(tmp_path / "own")
    folder = tmp_path / "mine"
    folder.mkdir()
    manifest = 'id = "mine"\ntitle = "My own"\nversion = "7"\ncomponent = "a.wasm"\nnetwork = ["example.com"]\n'
    (folder / "agent.toml").write_text(manifest)
    (folder / "a.wasm").write_bytes(ECHO.read_bytes())
    shown = place.run("agent", "check", str(folder)).stdout
    digest = hashlib.sha256(ECHO.read_bytes()).hexdigest()
    told = ("agent      mine: My own 7\n", f"SHA-256 {digest}\n", "hosts      example.com\n", "wasi:random/random")
    assert [line for line in told if line not in shown] == []
    assert "session    opened; the agent can: mcpCapabilities" in shown
    found = json.loads(place.run("agent", "check", str(folder / "a.wasm"), "--json").stdout)
    assert (found["id"], found["title"], found["network"], found["refusal"]) == ("a", "Echo", [], None)
    assert not (tmp_path / "own").exists()
    (folder / "a b.wasm").write_bytes(ECHO.read_bytes())
    assert "is no name for an agent" in place.run("agent", "check", str(folder / "a b.wasm")).stderr
    (folder / "agent.toml").write_text(manifest.replace("title", "tilte"))
    done = place.run("agent", "check", str(folder))
    assert (done.returncode, "is it `title`?" in done.stderr) == (exits.FAILED, True)


def test_an_agent_without_a_build_is_run_from_its_folder(place: Place, tmp_path: Path) -> None:
    """By the command that is called python3, which is echo here."""
    place.environment["TORPOR_AGENTS"] = str(tmp_path / "own")
    place.run("bin", "add", str(ECHO), "--name", "python3")
    given = script_in(tmp_path / "given")
    shown = place.run("agent", "check", str(given)).stdout
    assert "agent      mine: Mine 1\npython     run as it is, from its folder\nhosts      none\n" in shown
    assert "mine can be run: Mine 1" in place.run("agent", "add", str(given)).stderr
    assert place.run("run", "mine", "say hi").stdout == "hi\n"
    assert place.run("compile", "mine").returncode == exits.OK
    (given / "agent.py").unlink()
    assert "mine cannot be run: its entry agent.py is not there" in place.run("agents").stderr


def test_the_doctor_misses_an_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.doctor.agents.built_in_commands", lambda: tmp_path / "none")
    script_in(tmp_path / "agents" / "mine")
    found = check_agents(Catalogue(tmp_path / "none", [tmp_path / "agents"]), tmp_path / "state.db")
    assert (found.verdict, "mine: it is run by /usr/bin/python3, which VMs do not have" in found.message) == (
        "warn",
        True,
    )
    added = added_directory(tmp_path / "state.db")
    added.mkdir()
    (added / "manifest.json").write_text(json.dumps({"commands": {"x": {"names": ["python3"], "sha256": "0" * 64}}}))
    assert check_agents(Catalogue(tmp_path / "none", [tmp_path / "agents"]), tmp_path / "state.db").verdict == "ok"


def test_an_agent_is_written_and_not_over_another(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "x" / "scribe"
    done = place.run("agent", "new", "scribe.two", "--lang", "python", "--dir", str(folder))
    assert (done.returncode, done.stdout) == (exits.OK, f"torpor agent add {folder}\ntorpor run scribe.two hello\n")
    assert read_manifest(folder / "agent.toml", "user").title == "Scribe two"
    compile((folder / "agent.py").read_text(), "agent.py", "exec")
    assert place.run("agent", "new", "scribe", "--dir", str(folder)).stderr == f"torpor: {folder}: File exists\n"
    assert place.run("agent", "new", "a/b").returncode == exits.USAGE
    made = json.loads(place.run("agent", "new", "b", "--json", "--dir", str(tmp_path / "b")).stdout)
    assert made == {"id": "b", "directory": str(tmp_path / "b"), "files": ["agent.toml", "agent.py"]}
    spaced = tmp_path / "my agents"
    assert f"agent add '{spaced}'\n" in place.run("agent", "new", "_", "--dir", str(spaced)).stdout
    assert read_manifest(spaced / "agent.toml", "user").title == "_"
