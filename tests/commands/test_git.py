"""git in a VM, against the machine's own: the same output, the same names of objects, and repositories that both read."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.commands import scripts
from tests.commands.built import needs
from tests.commands.test_commands import run
from tests.system.daemon import fresh_name
from tests.system.test_mounts import mount
from tests.system.test_shells import Shell

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.system.daemon import Vm

SAME = """\
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=init.defaultBranch GIT_CONFIG_VALUE_0=main
export GIT_CONFIG_KEY_1=advice.detachedHead GIT_CONFIG_VALUE_1=false
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@b GIT_AUTHOR_DATE='1700000000 +0100'
export GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@d GIT_COMMITTER_DATE='1700000001 +0000'
"""
"""What commits are named after, and what versions and machines have other defaults of."""

pytestmark = needs("bash", "git")
with_own_git = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git to compare with")


@with_own_git
@pytest.mark.parametrize("script", scripts.read("git.txt"))
def test_git_does_in_a_vm_what_it_does_on_this_machine(vm: Vm, script: str, tmp_path: Path) -> None:
    assert run(vm, SAME + script, f"/home/user/{fresh_name('w')}") == scripts.on_this_machine(SAME + script, tmp_path)


@with_own_git
def test_a_repository_in_a_host_directory_is_both_sides(make_vm: Callable[..., Vm], tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "-b", "main", tmp_path / "r"], check=True)
    vm = make_vm(mounts=[mount("/work", tmp_path)])
    script = (
        "cd r; for n in 1 2 3; do echo $n > f$n; git add .; git commit -qm c$n; done; git clone -q . /work/c; git gc -q"
    )
    assert run(vm, script, "/work") == (0, "")
    for name in ("r", "c"):
        own = ["git", "-c", "safe.directory=*", "-C", str(tmp_path / name)]
        done = subprocess.run([*own, "log", "--format=%s %ae"], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines() == [f"c{n} user@torpor.invalid" for n in (3, 2, 1)]
        done = subprocess.run([*own, "fsck", "--strict"], capture_output=True, text=True, check=True)
        assert "dangling" not in done.stdout + done.stderr
        assert not subprocess.run([*own, "status", "-s"], capture_output=True, check=True).stdout


def test_what_a_vm_says_of_its_user_wins(vm: Vm) -> None:
    script = """\
git init -q; git symbolic-ref HEAD; git commit -q --allow-empty -m one; git log -1 --format='%an <%ae>'
git config user.email me@here; git commit -q --allow-empty -m two; git log -1 --format='%an <%ae>'
"""
    lines = "refs/heads/main\nuser <user@torpor.invalid>\nuser <me@here>\n"
    assert run(vm, script, f"/home/user/{fresh_name('w')}") == (0, lines)


def test_what_cannot_be_fails_and_says_why(vm: Vm) -> None:
    script = """\
git clone git://example.org/x 2>&1; echo $?; git clone ssh://example.org/x 2>&1; echo $?
git init -q r; cd r; git commit --allow-empty 2>&1; echo $?
"""
    code, output = run(vm, script, f"/home/user/{fresh_name('w')}")
    assert code == 0
    assert "unable to look up example.org (There are no sockets here)\n128\n" in output
    assert "a VM has no sockets, only HTTP and HTTPS: there is no ssh here" in output
    assert output.endswith("Please supply the message using either -m or -F option.\n1\n")


def test_less_pages_at_a_terminal(vm: Vm) -> None:
    script = "git init -q; for n in {1..40}; do echo $n; done > f; git add f; git commit -qm one"
    assert run(vm, script, "/home/user/paged")[0] == 0
    shell = Shell(vm, "git", "show", "--format=%s", cwd="/home/user/paged", rows=10, columns=40)
    shell.until("new file mode")
    shell.type("G")
    shell.until("40\x1b[m")
    shell.type("q")
    assert shell.call("waitShell")["exitCode"] == 0
