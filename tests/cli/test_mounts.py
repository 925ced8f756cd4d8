"""Directories of the user's machine: `torpor run --mount`, and editors with `torpor acp --workspace`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.cli import exits
from runtime.cli.acp.errors import RefusedError
from runtime.cli.acp.workspaces import is_workspace, with_mounts, workspace_vm
from runtime.cli.mounts import parse_mounts
from tests.cli.acp_editor import Editor
from tests.patience import WAIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.system.daemon import Daemon

INVALID = -32602
COMMAND = [sys.executable, "-P", "-m", "runtime.cli"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    directory = tmp_path.resolve() / "project"
    directory.mkdir()
    (directory / "main.py").write_text("print()\n")
    return directory


@pytest.fixture
def start(daemon: Daemon) -> Iterator[Callable[..., Editor]]:
    """Start `torpor acp` on the agent echo."""
    editors: list[Editor] = []

    def start(*arguments: str) -> Editor:
        editors.append(Editor((*arguments, "echo"), {**os.environ, "TORPOR_SOCKET": str(daemon.socket)}))
        return editors[-1]

    yield start
    for editor in editors:
        editor.__exit__()


def test_what_the_argument_says(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = str(project)
    monkeypatch.chdir(project)
    Path("link").symlink_to(project)
    Path("a:b").mkdir()
    expected: dict[str, dict[str, Any]] = {
        ".": {"path": host, "host": host},
        f"{host}/": {"path": host, "host": host},
        f"{host}:ro": {"path": host, "host": host, "readOnly": True},
        ".:/work": {"path": "/work", "host": host},
        ".:/work/../w//x/:ro": {"path": "/w/x", "host": host, "readOnly": True},
        "link": {"path": f"{host}/link", "host": host},
        "link:/work": {"path": "/work", "host": host},
        "a:b": {"path": f"{host}/a:b", "host": f"{host}/a:b"},
        "a:b:/work:ro": {"path": "/work", "host": f"{host}/a:b", "readOnly": True},
    }
    assert dict(zip(expected, parse_mounts(list(expected)), strict=True)) == expected


def test_run_on_ones_own_files(daemon: Daemon, project: Path) -> None:
    def torpor(*arguments: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "TORPOR_SOCKET": str(daemon.socket)}
        return subprocess.run(
            [*COMMAND, *arguments], capture_output=True, text=True, timeout=WAIT, env=env, cwd=project, check=False
        )

    there = ("--mount", ".:/work", "--mount", f"{project}:/ro:ro", "--vm", "mounted", "--cwd", "/work")
    done = torpor("run", "echo", "fswrite /work/new by the agent; fsread /ro/main.py; fswrite /ro/x x", *there)
    assert done.returncode == exits.OK, done.stderr
    assert "fsread: print()" in done.stdout
    assert "fswrite failed: read-only" in done.stdout
    assert (project / "new").read_text() == "by the agent"
    assert torpor("fs", "cat", "/work/new", "--vm", "mounted").stdout == "by the agent"
    other = torpor("run", "echo", "x", "--mount", ".", "--vm", "mounted")
    assert other.returncode == exits.FAILED
    assert "vm_conflict" in other.stderr
    missing = torpor("run", "echo", "x", "--mount", "nowhere", "--vm", "another")
    assert missing.returncode == exits.FAILED
    assert "options.mounts[0].host" in missing.stderr
    exported = torpor("export", "mounted", str(project / "file"))
    assert "host directories are not in it: /work, /ro" in exported.stderr


def test_an_agent_on_the_editors_workspace(start: Callable[..., Editor], daemon: Daemon, project: Path) -> None:
    editor = start("--workspace")
    editor.initialize()
    session = editor.new(str(project))
    assert editor.prompt(session, f"fswrite {project}/new by the agent; fsread {project}/main.py") == "end_turn"
    assert "fsread: print()" in editor.said
    assert (project / "new").read_text() == "by the agent"
    (project / "main.py").write_text("by the user")
    editor.prompt(session, f"read {project}/main.py")  # as ACP's fs/read_text_file, which the VM answers
    assert editor.said == "read: by the user"
    (project / "out").symlink_to(project.parent)
    for path in ("out/secret", "../secret"):
        (project.parent / "secret").write_text("of the user")
        editor.prompt(session, f"fsread {project}/{path}")
        assert editor.said.startswith("fsread failed: "), path
    assert editor.close() == exits.OK
    with daemon.connect() as api:
        vm = workspace_vm(str(project), mounted=True)
        assert api.call("vm.get", vm=vm)["options"]["mounts"] == [{"path": str(project), "host": str(project)}]

    later = start("--workspace")
    assert [each["sessionId"] for each in later.call("session/list", cwd=str(project))["sessions"]] == [session]
    assert session in [each["sessionId"] for each in later.call("session/list")["sessions"]]
    later.call("session/load", sessionId=session, cwd=str(project), mcpServers=[])
    later.prompt(session, f"fsread {project}/new")
    assert later.said.endswith("fsread: by the agent")
    assert later.close() == exits.OK


def test_no_workspace_is_mounted_unless_one_asks(start: Callable[..., Editor], project: Path) -> None:
    """Not even where an agent of another time had it."""
    with_it = start("--workspace")
    known = with_it.new(str(project))
    editor = start()
    session = editor.new(str(project))
    editor.prompt(session, f"fswrite {project}/new x; ls {project}")
    assert editor.said.endswith("ls: new")
    assert os.listdir(project) == ["main.py"]  # noqa: PTH208 - names are all that is asked
    assert known not in [each["sessionId"] for each in editor.call("session/list")["sessions"]]


def test_the_workspace_may_be_named_by_a_link(start: Callable[..., Editor], project: Path) -> None:
    link = project.with_name("link")
    link.symlink_to(project)
    editor = start("--workspace")
    editor.prompt(editor.new(str(link)), f"fsread {link}/main.py")
    assert editor.said == "fsread: print()\n"


def test_a_workspace_that_cannot_be_mounted(start: Callable[..., Editor], project: Path) -> None:
    editor = start("--workspace")
    for cwd in (f"{project}/none", "/", f"{project}/main.py"):
        assert editor.refused("session/new", cwd=cwd, mcpServers=[]).code == INVALID


def test_mounts_of_a_vm_that_is_there_already(start: Callable[..., Editor], daemon: Daemon, project: Path) -> None:
    other = project.with_name("other")
    other.mkdir()
    start("--vm", "shared").new("/elsewhere")
    editor = start("--vm", "shared", "--workspace", "--mount", f"{other}:/other:ro")
    session = editor.new(str(project))
    editor.prompt(session, f"ls {project}; ls /other; fswrite /other/x x")
    assert "ls: main.py" in editor.said
    assert "fswrite failed: read-only" in editor.said
    start("--vm", "shared", "--mount", f"{other}:/other:ro").new(str(project))
    refusal = start("--vm", "shared", "--mount", f"{other}:/other").refused("session/new", cwd="/x", mcpServers=[])
    assert (refusal.code, "/other" in str(refusal)) == (INVALID, True)
    with daemon.connect() as api:
        paths = [mount["path"] for mount in api.call("vm.get", vm="shared")["options"]["mounts"]]
        assert paths == [str(project), "/other"]


def test_which_mounts_are_missing() -> None:
    one, two = {"path": "/one", "host": "/1"}, {"path": "/two", "host": "/2", "readOnly": True}
    assert with_mounts({"options": {"mounts": [one]}}, [one]) is None
    assert with_mounts({"options": {"mounts": [one]}}, [two, one]) == [one, two]
    assert with_mounts({"options": {}}, [two]) == [two]
    assert with_mounts({}, []) is None
    for other in ({**two, "host": "/3"}, {"path": "/two", "host": "/2"}):
        with pytest.raises(RefusedError):
            with_mounts({"options": {"mounts": [two]}}, [other])


def test_workspaces_of_both_kinds_are_kept_apart() -> None:
    plain, mounted = workspace_vm("/a-host"), workspace_vm("/a-host", mounted=True)
    assert plain != mounted
    labels = {"options": {"labels": {"torpor.acp/workspace": "/a-host"}}}
    for name, is_mounted in ((plain, False), (mounted, True)):
        assert is_workspace({"vm": name, **labels}, mounted=is_mounted)
        assert not is_workspace({"vm": name, **labels}, mounted=not is_mounted)
        assert not is_workspace({"vm": name}, mounted=is_mounted)
