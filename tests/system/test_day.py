"""A coding agent's day: clone, find, read, edit, run the tests, see them fail, mend, run them again, commit, push."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from runtime.testing.script import call, say
from tests.cli.acp_editor import Editor
from tests.commands.built import needs
from tests.commands.git_server import GitServer, git, repository
from tests.commands.web import serving
from tests.system.model import Model, model
from tests.system.test_mounts import mount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runtime.testing.script import Turn
    from tests.system.daemon import Daemon, Vm

FILES = {
    "src/area.sh": "# The area of a rectangle.\narea() { echo $(($1 + $2)); }\n",
    "src/length.sh": "length() { echo ${#1}; }\n",
    "test.sh": '. src/area.sh\n. src/length.sh\n[ "$(length four)" = 4 ] || { echo "length: $(length four)"; exit 1; }\n'
    '[ "$(area 3 5)" = 15 ] || { echo "area: $(area 3 5)"; exit 1; }\necho all is well\n',
    "Makefile": "test:\n\t@bash test.sh\n",
}
WHO = "git config user.name Agent && git config user.email agent@example.com"

pytestmark = [
    *needs("bash", "git", "make", "torpor-net"),
    pytest.mark.skipif(shutil.which("git") is None, reason="there is no git to serve with"),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """A server with the repository project.git."""
    repository(tmp_path, "project", FILES)
    with serving(GitServer(tmp_path / "served")) as server:
        yield server


def a_day(server: GitServer, folder: str) -> list[Turn]:
    """What the model has the agent do, in a folder that is its own."""

    def bash(command: str) -> Turn:
        return call("bash", command=f"cd {folder} && {command}")

    return [
        bash(f"git clone -q http://{server.host}/project.git project && cd project && {WHO} && git switch -qc mend"),
        bash("cd project && grep -rn 'area()' . && find . -name '*.sh' | sort"),
        call("read", path=f"{folder}/project/src/area.sh"),
        bash("cd project && make test"),
        call("edit", path=f"{folder}/project/src/area.sh", edits=[{"oldText": "$1 + $2", "newText": "$1 * $2"}]),
        bash("cd project && make test && git diff --stat"),
        bash("cd project && git commit -qam 'Areas are products' && git push -q origin mend && git status -sb"),
        say("Mended."),
    ]


def check_what_it_saw(served: Model, server: GitServer) -> None:
    """The results of its tools, and what the server has afterwards."""
    _, found, content, failed, _, passed, pushed = (str(request.tool_results()[-1]) for request in served.requests[1:])
    assert "./src/area.sh:2:area()" in found
    assert "./src/length.sh" in found
    assert "The area of a rectangle." in content
    assert "area: 8" in failed
    assert "Error 1" in failed
    assert "all is well" in passed
    assert "src/area.sh | 2 +-" in passed
    assert "## mend" in pushed
    repository = server.folder / "project.git"
    assert git("log", "--format=%an: %s", "mend", cwd=repository).startswith("Agent: Areas are products\n")
    assert "$1 * $2" in git("show", "mend:src/area.sh", cwd=repository)
    git("fsck", "--strict", cwd=repository)


@pytest.mark.parametrize("place", ["the VM's own files", "a mounted folder"])
def test_a_day_through_the_socket(make_vm: Callable[..., Vm], server: GitServer, tmp_path: Path, place: str) -> None:
    mounted = place == "a mounted folder"
    (tmp_path / "workspace").mkdir()
    folder = "/workspace" if mounted else "/home/user"
    mounts = [mount(folder, tmp_path / "workspace")] if mounted else []
    with model(a_day(server, folder)) as served:
        vm = make_vm(network={"allow": [served.host, server.host]}, mounts=mounts)
        assert vm.session("pi", env=served.env).say("Mend the area") == "Mended."
        check_what_it_saw(served, server)
    if mounted:
        assert git("status", "-sb", cwd=tmp_path / "workspace" / "project").startswith("## mend")


def test_a_day_in_an_editors_workspace(daemon: Daemon, server: GitServer, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    with model(a_day(server, str(workspace))) as served:
        hosts = [word for host in (served.host, server.host) for word in ("--allow", host)]
        variables = [word for pair in served.env.items() for word in ("--env", "=".join(pair))]
        environment = {**os.environ, "TORPOR_SOCKET": str(daemon.socket)}
        with Editor(["pi", "--workspace", *hosts, *variables], environment) as editor:
            editor.initialize()
            session = editor.new(str(workspace))
            assert editor.prompt(session, "Mend the area") == "end_turn"
            assert editor.close() == 0
        check_what_it_saw(served, server)
    assert git("log", "-1", "--format=%s", cwd=workspace / "project") == "Areas are products\n"
