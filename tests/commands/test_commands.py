"""bash and the GNU tools in a VM, against the machine's own: the same output, the same exit code."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.commands import scripts
from tests.commands.built import DIST, LONGEST_MS, needs
from tests.system.daemon import fresh_name
from tests.system.test_mounts import mount
from tests.system.test_shells import Shell

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.system.daemon import Vm

MANIFEST = DIST / "manifest.json"
DATA = ("jq", "sqlite3", "unzip", "zip")
PROCPS = ("ps", "pgrep", "pidof", "free", "top", "which")

pytestmark = needs("bash")


def run(vm: Vm, script: str, folder: str) -> tuple[int, str]:
    """(exit code, stdout) of a script in a new folder of the VM."""
    vm.call("mkdir", path=folder, recursive=True)
    done = vm.call("exec", argv=["bash", "-c", script], cwd=folder, timeoutMs=LONGEST_MS)
    return done["exitCode"], done["stdout"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash to compare with")
@pytest.mark.parametrize("script", [*scripts.read("forking.txt"), *scripts.read("tools.txt")])
def test_a_script_does_in_a_vm_what_it_does_on_this_machine(vm: Vm, script: str, tmp_path: Path) -> None:
    assert run(vm, script, f"/home/user/{fresh_name('w')}") == scripts.on_this_machine(script, tmp_path)


@pytest.mark.skipif(None in map(shutil.which, PROCPS), reason="there is no procps to compare with")
@pytest.mark.parametrize("script", scripts.read("processes.txt"))
def test_processes_are_seen_in_a_vm_as_on_this_machine(vm: Vm, script: str, tmp_path: Path) -> None:
    assert run(vm, script, f"/home/user/{fresh_name('w')}") == scripts.on_this_machine(script, tmp_path)


@pytest.mark.skipif(None in map(shutil.which, DATA), reason="there are no such tools to compare with")
@pytest.mark.parametrize("script", scripts.read("data.txt"))
def test_data_are_worked_on_in_a_vm_as_on_this_machine(vm: Vm, script: str, tmp_path: Path) -> None:
    assert run(vm, script, f"/home/user/{fresh_name('w')}") == scripts.on_this_machine(script, tmp_path)


def test_jq_keeps_numbers_and_goes_deep(vm: Vm) -> None:
    deep = "jq -nc 'reduce range(2000) as $n ([]; [.]) | tojson | fromjson | flatten'"
    assert run(vm, f"jq -c . <<< '[1.10,100000000000000000001]'; {deep}", "/home/user") == (
        0,
        "[1.10,100000000000000000001]\n[]\n",
    )


DEEPER = """
nested() {
    head -c $1 /dev/zero | tr '\\0' '['
    head -c $1 /dev/zero | tr '\\0' ']'
}
"""


@pytest.mark.parametrize(
    "work",
    [".", "tojson | fromjson", "[., .] | sort", "select(. == .)", "select(contains(.))", "{a: .} * {a: .}", "[paths]"],
)
def test_jq_does_all_that_it_can_with_what_is_as_deep_as_it_reads(vm: Vm, work: str) -> None:
    assert run(vm, f"{DEEPER} nested 2500 | jq '{work}' > deep", "/home/user") == (0, "")


def test_jq_says_that_something_is_too_deep(vm: Vm) -> None:
    for depth in (2501, 20_000):
        done = vm.call("exec", argv=["bash", "-c", f"{DEEPER} nested {depth} | jq ."], timeoutMs=LONGEST_MS)
        assert done["exitCode"] == 5
        assert "Exceeds depth limit for parsing" in done["stderr"]
    deeper = "reduce range(5000) as $n ([]; [.])"
    assert run(vm, f"jq -nc '{deeper}' | grep -o skipped", "/home/user") == (0, "skipped\n")


def test_df_and_stat_tell_what_the_files_of_a_vm_may_take(vm: Vm) -> None:
    script = """
    head -c 10M /dev/zero > large
    sync
    df -B4096 --output=size,used,avail / | tail -n 1
    df --output=itotal,iused / | tail -n 1
    stat -f -c '%b %f %c %d' .
    cat /proc/fs/torpor/space
    df > /dev/null
    """
    code, text = run(vm, script, f"/home/user/{fresh_name('w')}")
    blocks, files, told, (most, used), (most_files, used_files) = (
        [int(word) for word in line.split()] for line in text.splitlines()
    )
    assert code == 0
    assert used >= 10 * 1024 * 1024
    size, free = most // 4096, (most - used) // 4096
    assert blocks == [size, size - free, free]
    assert files == [most_files, used_files]
    assert told == [size, free, most_files, most_files - used_files]


def test_a_program_may_be_nice(vm: Vm) -> None:
    done = vm.call("exec", argv=["bash", "-c", "nice -n 5 echo nice; nice -n -1 echo not"], timeoutMs=LONGEST_MS)
    assert done["stdout"] == "nice\nnot\n"
    assert done["stderr"].count("Permission denied") == 1


def test_a_shell_that_has_no_room_for_two_of_it_still_starts_programs(vm: Vm) -> None:
    """A child by vfork has a copy of its parent's memory beside it; one by fork has it in a memory of its own."""
    script = "printf -v x %1048576s; for i in {1..200}; do v[i]=$x; done; /bin/echo one; (exit 3); echo $? ${#v[200]}"
    assert run(vm, script, "/home/user") == (0, "one\n3 1048576\n")


def test_sqlite_has_no_log_that_is_written_ahead(vm: Vm) -> None:
    script = "sqlite3 a.db 'pragma journal_mode = wal; create table t(a); pragma journal_mode'; ls"
    assert run(vm, script, f"/home/user/{fresh_name('w')}") == (0, "delete\ndelete\na.db\n")


def test_a_transaction_that_was_killed_is_rolled_back(vm: Vm) -> None:
    script = """
    sqlite3 a.db 'create table t(a); insert into t select value from generate_series(1, 20000)'
    sqlite3 a.db 'pragma cache_size = 5; begin; update t set a = 0' '.shell kill -KILL $PPID' 2> /dev/null
    ls
    sqlite3 a.db 'select count(*), min(a) from t; pragma integrity_check'
    ls
    """
    done = run(vm, script, f"/home/user/{fresh_name('w')}")
    assert done == (0, "a.db\na.db-journal\n20000|1\nok\na.db\n")


def test_every_name_of_the_manifest_is_there(vm: Vm) -> None:
    names = {name for each in json.loads(MANIFEST.read_text())["commands"].values() for name in each["names"]}
    assert names <= set(vm.call("readdir", path="/bin"))
    code, output = run(vm, "type -P " + " ".join(f"'{name}'" for name in sorted(names)) + " | wc -l", "/home/user")
    assert (code, int(output)) == (0, len(names))


def test_a_line_is_a_script_of_the_shell(vm: Vm) -> None:
    assert vm.call("exec", command="for i in 1 2; do echo $i; done | tail -n 1")["stdout"] == "2\n"


def test_awk_writes_to_a_program_and_reads_from_it(vm: Vm) -> None:
    program = 'BEGIN { c = "sort -n"; print "10\\n9" |& c; close(c, "to"); while (c |& getline) print; print close(c) }'
    assert run(vm, f"awk '{program}'", "/home/user") == (0, "9\n10\n0\n")


def test_all_that_come_from_a_command_have_one_limit_of_fuel(make_vm: Callable[..., Vm]) -> None:
    fuel = 1_000_000_000
    vm = make_vm(limits={"fuel": fuel})
    error = vm.error("exec", argv=["bash", "-c", "for i in 1 2 3 4; do while :; do :; done & done; wait"])
    assert (error.name, error.data["limit"]) == ("limit_exceeded", "fuel")
    assert fuel <= vm.call("vm.stats")["fuelUsed"] < 2 * fuel


def test_files_of_a_host_directory_are_looked_at_and_listed(make_vm: Callable[..., Vm], tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(range(256)) * 64)
    (tmp_path / "link").symlink_to("large")
    vm = make_vm(mounts=[mount("/work", tmp_path)])
    script = "ls -A; stat -c '%s %F' large link .; du -k large"
    blocks = -(-(tmp_path / "large").stat().st_blocks // 2)
    size = f"16384 regular file\n5 symbolic link\n{tmp_path.stat().st_size} directory\n"
    assert run(vm, script, "/work") == (0, f"large\nlink\n{size}{blocks}\tlarge\n")


SEARCHED = """
mkdir -p src .hidden build; printf 'import os\\ndef foo(x):\\n    return x + 12\\n' > src/a.py
printf 'let foo = 1;\\nlet bar = "foo.bar@x.com";\\n' > src/b.ts; printf 'foo\\0' > binary; touch src/empty
echo foo | tee build/c.js > d.log; cp d.log .hidden/e
git init -q .; printf 'build/\\n*.log\\n' > .gitignore
"""
"""What rg is tried on: the expected output is ripgrep's, but for the order of files, which it has by chance."""


@pytest.mark.skipif(not (DIST / "git.wasm").exists(), reason="git is not built")
@pytest.mark.parametrize(
    ("line", "code", "output"),
    [
        ("rg foo", 0, 'src/a.py:def foo(x):\nsrc/b.ts:let foo = 1;\nsrc/b.ts:let bar = "foo.bar@x.com";\n'),
        ("rg -n foo src/a.py", 0, "2:def foo(x):\n"),
        ("rg -l foo .", 0, "./src/a.py\n./src/b.ts\n"),
        ("cd src; rg -c foo", 0, "a.py:1\nb.ts:2\n"),
        ("rg --files", 0, "binary\nsrc/a.py\nsrc/b.ts\nsrc/empty\n"),
        ("rg --files -g '*' -g '!src'", 0, "binary\n"),
        ("rg --files --hidden -g '.*' -g '*.{py,ts}'", 0, ".gitignore\nsrc/a.py\nsrc/b.ts\n"),
        ("rg -u -l foo", 0, "build/c.js\nd.log\nsrc/a.py\nsrc/b.ts\n"),
        ("rg -uu -l foo -g '!.git'", 0, ".hidden/e\nbuild/c.js\nd.log\nsrc/a.py\nsrc/b.ts\n"),
        ("rg --hidden -u -l foo -g '!.git'", 0, ".hidden/e\nbuild/c.js\nd.log\nsrc/a.py\nsrc/b.ts\n"),
        ("rg --max-depth 2 -l foo; rg --max-depth 1 --files .", 0, "src/a.py\nsrc/b.ts\n./binary\n"),
        ("rg --files --max-depth 0; rg -u --files --max-depth 0", 1, ""),
        (r"rg -t py -n 'def \w+\('", 0, "src/a.py:2:def foo(x):\n"),
        (r"rg -o '[\w.]+@\w+\.com|\d{2}' -I", 0, "12\nfoo.bar@x.com\n"),
        (r"rg -Tpy 'foo(?=\.)' -o", 0, "src/b.ts:foo\n"),
        ("rg -i IMPORT -A1", 0, "src/a.py:import os\nsrc/a.py-def foo(x):\n"),
        ("rg -S Foo; rg -S FOO -i -l -t ts", 0, "src/b.ts\n"),
        ("rg -e import -e 'return .*' -o --no-filename", 0, "import\nreturn x + 12\n"),
        ("echo 'a foo' | rg foo; : | rg foo", 1, "a foo\n"),
        ("rg -F 'foo(x' -w -m 1; rg absent", 1, "src/a.py:def foo(x):\n"),
        ("rg foo absent", 2, ""),
        ("rg --json foo", 2, ""),
        ("rg -t nosuch foo", 2, ""),
        ("mkdir nothing; cd nothing; rg '('", 2, ""),
    ],
)
def test_rg_finds_what_ripgrep_finds(vm: Vm, line: str, code: int, output: str) -> None:
    folder = f"/home/user/{fresh_name('w')}"
    assert run(vm, SEARCHED, folder) == (0, "")
    assert run(vm, line, folder) == (code, output)


def test_rg_has_colours_at_a_terminal_unless_they_are_not_wanted(vm: Vm) -> None:
    script = "cd; echo foo > f; rg --color never foo f; echo middle; rg foo f; echo end"
    shell = Shell(vm, "bash", "-c", script, env={"TERM": "xterm"})
    assert "\033[" not in shell.until("middle")
    assert "\033[" in shell.until("end")


def test_rg_says_who_answers(vm: Vm) -> None:
    done = vm.call("exec", argv=["rg", "-n", "one"], stdin="two\none\n")
    assert (done["stdout"], done["stderr"], done["exitCode"]) == ("2:one\n", "rg: GNU grep answers\n", 0)


def test_tree_draws_directories(vm: Vm) -> None:
    script = (
        "mkdir -p a/b; touch a/b/f x; ln -s a l; tree --noreport; tree -dL 1 --noreport; tree absent > all; echo $?"
    )
    drawn = ".\n├── a\n│\xa0\xa0 └── b\n│\xa0\xa0     └── f\n├── l -> a\n└── x\n.\n├── a\n└── l -> a\n2\n"
    assert run(vm, script, f"/home/user/{fresh_name('w')}") == (0, drawn)


def test_dc_computes_on_a_stack(vm: Vm) -> None:
    assert run(vm, "echo '2 3 + p 16 o 255 p 10 k 2 v p' | dc; dc -e '1 2 +p'", "/home/user") == (
        0,
        "5\nFF\n1.6A09E667A\n3\n",
    )


def test_what_was_typed_before_an_interrupt_is_no_part_of_the_next_line(vm: Vm) -> None:
    shell = Shell(vm, "bash", "--norc", env={"PS1": "@ ", "TERM": "dumb"})
    shell.until("@ ")
    keys = "x" * 1500  # bash works on them for a while, and waits for no other meanwhile
    shell.type(f'bind \'"\\C-t": "{keys}"\'\r')
    shell.until("\r\n@ ")
    shell.type("\x14")
    shell.until("xx")
    shell.type("\x03")
    shell.type("echo $((6 * 7))\r")
    shell.until("\r\n@ ")
    assert shell.until("\r\n@ ") == "echo $((6 * 7))\r\n42\r\n@ "


def test_times_are_those_of_what_was_computed(vm: Vm) -> None:
    work = "for ((i = 0; i < 20000; i++)); do :; done"
    script = (
        f"TIMEFORMAT=%3U; time {work}; time bash -c '{work}'; time echo 3 | xargs -I N bash -c '{work}'; time sleep 0"
    )
    own, child, grandchild, nothing = vm.call("exec", argv=["bash", "-c", script])["stderr"].split()
    assert 0.02 < float(own) < 1, "it is counted in fuel, the same on every machine"
    assert float(own) * 0.5 < float(child) < float(grandchild) * 1.5 < float(own) * 3
    assert float(nothing) < float(own) / 4


def test_less_shows_a_screen_at_a_time(vm: Vm) -> None:
    vm.write("/home/user/lines", "".join(f"line {number}\n" for number in range(1, 101)))
    shell = Shell(vm, "less", "lines", cwd="/home/user", rows=4, columns=40)
    assert shell.until("line 3\r\n").startswith("\x1b[?1049h")
    shell.type(" ")
    shell.until("line 6\r\n")
    shell.type("/77\r")
    shell.until("\x1b[7m77\x1b[27m\r\nline 78\r\nline 79\r\n")
    shell.type("G")
    shell.until("line 100\r\n\x1b[7m(END)")
    shell.call("resizeShell", rows=6, columns=40)
    shell.type("g")
    assert shell.until("line 1\r\n").endswith("\x1b[H\x1bMline 2\r\n\x1b[H\x1bMline 1\r\n")  # it scrolls back
    shell.type("!echo $((6 * 7))\r")
    shell.until("42\r\n")
    shell.type("\rq")
    shell.until("\x1b[?1049l")
    assert shell.call("waitShell")["exitCode"] == 0


def test_a_line_is_edited_on_the_screen(vm: Vm) -> None:
    shell = Shell(vm, "bash", "--norc", env={"PS1": "@ "})
    shell.until("@ ")
    shell.type("echo hello world\x1b[D\x1b[D\x17x")
    shell.until("\x1b[3Pld")  # which deletes characters in the middle of a line
    shell.type("\r")
    shell.until("\rhello xld\r\n")
    shell.until("@ ")
    shell.type("\x0c")
    assert shell.until("@ ") == "\x1b[H\x1b[2J@ "
