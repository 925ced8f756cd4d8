"""Tools that draw on a terminal, and processes that have one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.commands.built import needs
from tests.system.test_shells import Shell

if TYPE_CHECKING:
    from tests.system.daemon import Vm

pytestmark = needs("bash", "torpor-tools")


def test_top_and_watch_draw_until_they_are_told_to_end(vm: Vm) -> None:
    script = "top -d 0.05; echo left $?; read line; echo got $line; watch -n 0.05 echo se''en; echo after $?"
    shell = Shell(vm, "bash", "-ic", script, rows=12, columns=100)
    for _ in range(2):
        assert "\033[7m    PID USER" in shell.until(" bash\033[K")
    shell.type("c")
    shell.until("top -d 0.05\033[K")
    shell.type("xq")
    shell.until("left 0")
    shell.type("ab\x7fc\r")
    shell.until("got ac\r\n")
    for _ in range(2):
        shell.until("Every 0.1s: echo seen ")
        shell.until("\nseen\033[K")
    shell.type("\3")
    shell.until("after 0")
    assert shell.call("waitShell")["exitCode"] == 0


def test_ps_shows_what_is_on_the_same_terminal(vm: Vm) -> None:
    elsewhere = vm.call("spawn", argv=["sleep", "60"])["pid"]
    shell = Shell(
        vm,
        "bash",
        "-c",
        "ps -o tname=,stat=,comm=; readlink /proc/self/fd/0; ps -t 0 -o pid= | wc -l; TERM=xterm reset; echo end",
    )
    shown = shell.until("end").splitlines()
    vm.call("killProcess", pid=elsewhere)
    terminal = shown[0].split()[0]
    assert terminal.startswith("pts/")
    assert [line.split() for line in shown[:2]] == [[terminal, "Ss+", "bash"], [terminal, "R+", "ps"]]
    assert shown[2] == "/dev/tty"
    assert "\033c" in "".join(shown)
