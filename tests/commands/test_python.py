"""python3 in a VM: what a coding agent runs, with the values that CPython gives anywhere."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from tests.commands.built import LONGEST_MS, needs
from tests.system.daemon import fresh_name
from tests.system.test_shells import Shell

if TYPE_CHECKING:
    from tests.system.daemon import Vm

pytestmark = needs("bash", "python3")


def run(vm: Vm, script: str, **more: Any) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of a line of the shell."""
    done = vm.call("exec", command=script, timeoutMs=LONGEST_MS, **more)
    return done["exitCode"], done["stdout"], done["stderr"]


def python(vm: Vm, text: str, *arguments: str) -> str:
    """What a program that ends well prints."""
    path = f"/tmp/{fresh_name('p')}.py"  # noqa: S108 - the VM's
    vm.call("writeFile", path=path, content=textwrap.dedent(text))
    done = vm.call("exec", argv=["python3", path, *arguments], timeoutMs=LONGEST_MS)
    assert (done["exitCode"], done["stderr"]) == (0, ""), done["stderr"]
    return str(done["stdout"])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("python3 -c 'print(6 * 7)'", (0, "42\n", "")),
        ("python3 -c 'import sys; sys.exit(3)'", (3, "", "")),
        ("python3 -c 'import sys; sys.exit(\"no\")'", (1, "", "no\n")),
        ("echo 'print(1)' | python3", (0, "1\n", "")),
        ("echo 'print(1)' | python3 -", (0, "1\n", "")),
        ("echo '{\"b\": [1]}' | python3 -m json.tool --compact", (0, '{"b":[1]}\n', "")),
        ("X=y python3 -c 'import os; print(os.environ[\"X\"], os.getcwd())'", (0, "y /home/user\n", "")),
        ("python3 -c 'import sys; print(sys.argv)' a 'b c'", (0, "['-c', 'a', 'b c']\n", "")),
        ("python3 -O -c 'print(__debug__)'; python3 -c 'print(__debug__)'", (0, "False\nTrue\n", "")),
        (
            "python3 -X dev -W error -c 'import sys; print(sys.flags.dev_mode, sys.warnoptions[-1])'",
            (0, "True error\n", ""),
        ),
        (
            "python3 -u -E -s -B -c 'import sys; print(sys.flags.ignore_environment, sys.dont_write_bytecode)'",
            (0, "1 True\n", ""),
        ),
        ("python3 -S -c 'import sys; print(\"site\" in sys.modules)'", (0, "False\n", "")),
        (
            "mkdir -p lib && echo 'x = 5' > lib/mine.py && PYTHONPATH=lib python3 -c 'import mine; print(mine.x)'",
            (0, "5\n", ""),
        ),
        ("python --version; python3.13 --version", (0, "Python 3.13.5\nPython 3.13.5\n", "")),
        ('python3 -c \'f = open("left", "w"); f.write("all")\' && cat left', (0, "all", "")),
        ('python3 -c \'import atexit; atexit.register(print, "bye"); print("hi")\'', (0, "hi\nbye\n", "")),
        ("timeout --preserve-status -s INT 0.5 python3 -c 'import time; time.sleep(100)'; echo $?", (0, "130\n", "")),
        ("python3 -c 'print(input())' <<< line", (0, "line\n", "")),
        ('python3 -c \'print("ä", end="")\' | xxd -p', (0, "c3a4\n", "")),
        ("python3 nowhere.py 2> /dev/null", (2, "", "")),
    ],
)
def test_a_line(vm: Vm, line: str, expected: tuple[int, str, str]) -> None:
    code, output, error = run(vm, line)
    assert (code, output) == expected[:2], error
    if "timeout" not in line:  # a traceback
        assert error == expected[2]


def test_programs_are_started_and_talked_to(vm: Vm) -> None:
    text = """
        import os, subprocess, sys
        print(subprocess.run(["cat"], input="in", capture_output=True, text=True).stdout)
        print(subprocess.check_output("echo $((1 + 1)); exit 0", shell=True))
        done = subprocess.run(["bash", "-c", "echo out; echo err >&2; exit 5"], capture_output=True)
        print(done.returncode, done.stdout, done.stderr)
        print(len(subprocess.run(["cat"], input=b"x" * 200_000, capture_output=True).stdout))
        print(subprocess.run(["pwd"], cwd="/tmp", capture_output=True).stdout)
        print(subprocess.run(["env"], env={"A": "b"}, capture_output=True).stdout)
        print(subprocess.run(["true"], preexec_fn=lambda: os.chdir("/"), start_new_session=True).returncode)
        for wrong in (lambda: subprocess.run(["nope"]), lambda: subprocess.run(["sleep", "9"], timeout=0.1)):
            try:
                wrong()
            except (FileNotFoundError, subprocess.TimeoutExpired) as error:
                print(type(error).__name__)
        print(os.waitstatus_to_exitcode(os.system("exit 3")), os.popen("echo popen").read())
        read, write = os.pipe()
        pid = os.posix_spawn("/bin/echo", ["echo", "spawned"], {}, file_actions=[(os.POSIX_SPAWN_DUP2, write, 1)])
        print(os.waitpid(pid, 0)[1], os.read(read, 100))
        print(subprocess.run([sys.executable, "-c", "print(2)"], capture_output=True, text=True).stdout, hasattr(os, "fork"))
    """
    assert python(vm, text).splitlines() == [
        "in",
        "b'2\\n'",
        "5 b'out\\n' b'err\\n'",
        "200000",
        "b'/tmp\\n'",
        "b'A=b\\n'",
        "0",
        "FileNotFoundError",
        "TimeoutExpired",
        "3 popen",
        "",
        "0 b'spawned\\n'",
        "2",
        " False",
    ]


def test_asyncio_waits_for_programs_and_for_time(vm: Vm) -> None:
    text = """
        import asyncio

        async def main():
            child = await asyncio.create_subprocess_exec("bash", "-c", "cat; exit 7", stdin=-1, stdout=-1)
            print(await child.communicate(b"hello"), child.returncode)
            print(await asyncio.gather(asyncio.sleep(0.01, 1), asyncio.to_thread(lambda: 2)))
            try:
                await asyncio.wait_for(asyncio.sleep(60), 0.01)
            except TimeoutError:
                print("late")

        asyncio.run(main())
    """
    assert python(vm, text).splitlines() == ["(b'hello', None) 7", "[1, 2]", "late"]


def test_loops_need_signals_only_for_programs(vm: Vm) -> None:
    text = """
        import asyncio

        async def main():
            child = await asyncio.create_subprocess_exec("true")
            print(await child.wait())

        for _ in range(2):
            asyncio.run(main())
            asyncio.set_event_loop(asyncio.BaseEventLoop())
            asyncio.set_event_loop(None)
    """
    assert python(vm, text) == "0\n0\n"


def test_there_is_one_thread_and_what_needs_more_says_so(vm: Vm) -> None:
    text = """
        import concurrent.futures, socket, threading

        with concurrent.futures.ThreadPoolExecutor() as pool:
            print(list(pool.map(lambda x: x * x, range(4))), pool.submit(lambda: 1 / 0).exception())
        print(threading.Event().wait(0.01), threading.Lock().acquire(timeout=1))
        for wrong in (threading.Thread(target=print).start, socket.socketpair):
            try:
                wrong()
            except (RuntimeError, OSError) as error:
                print(error)
        held = threading.Lock()
        held.acquire()
        print(held.acquire(timeout=0.01))
    """
    assert python(vm, text).splitlines() == [
        "[0, 1, 4, 9] division by zero",
        "False True",
        "can't start new thread: a process of a VM has one",
        "[Errno 52] Function not implemented",
        "False",
    ]


def test_signals_are_handled(vm: Vm) -> None:
    text = """
        import os, signal, time
        signal.signal(signal.SIGUSR1, lambda number, frame: print(signal.Signals(number).name))
        os.kill(os.getpid(), signal.SIGUSR1)
        signal.signal(signal.SIGALRM, lambda number, frame: print("ring"))
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        signal.pause()
        print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
    """
    assert python(vm, text).splitlines() == ["SIGUSR1", "ring", "True"]


def test_an_interrupt_is_an_exception(vm: Vm) -> None:
    text = """
        import os, signal
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            print("interrupted")
        reader, writer = os.pipe()
        os.close(reader)
        try:
            os.write(writer, b"x")
        except BrokenPipeError:
            print("broken")
    """
    assert python(vm, text).splitlines() == ["interrupted", "broken"]
    code, output, errors = run(vm, "trap '' INT; python3 -c 'import os; os.kill(os.getpid(), 2); print(1)'; echo $?")
    assert (code, output, errors) == (0, "1\n0\n", "")


TESTED = """
import os
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_right(number, tmp_path, capsys):
    (tmp_path / "a").write_text("x")
    print(number)
    assert capsys.readouterr().out == f"{number}\\n"

def test_descriptors(capfd):
    os.write(1, b"low")
    assert capfd.readouterr().out == "low"

def test_wrong():
    print("told")
    assert [1, 2] == [1, 3]
"""


def test_pytest_runs(vm: Vm) -> None:
    vm.call("writeFile", path="/home/user/t/test_it.py", content=TESTED)
    for command in ("pytest", "python3 -m pytest"):
        code, output, _ = run(vm, f"cd t && {command}")
        assert code == 1
        assert "E       assert [1, 2] == [1, 3]" in output
        assert "Captured stdout call" in output
        assert "1 failed, 3 passed in" in output
    assert run(vm, "cd t && pytest -q --collect-only | head -n 2")[1].splitlines() == [
        "test_it.py::test_right[1]",
        "test_it.py::test_right[2]",
    ]
    assert run(vm, "pytest --version")[1] == "pytest 8.3.5\n"


def test_what_is_kept_for_pytest_is_found_as_anything_is(vm: Vm) -> None:
    script = "mkdir -p own/packaging; echo 'x = 7' > own/packaging/__init__.py; cd own; python3 -c '"
    assert run(vm, f"{script}import packaging; print(packaging.x)'")[1] == "7\n"
    kept = 'import packaging.version as v, pluggy; print(v.Version("1.2").minor, pluggy.__spec__.origin)'
    assert run(vm, f"python3 -c '{kept}'")[1] == "2 /usr/lib/python3.13/site-packages/pluggy/__init__.py\n"
    assert run(vm, "python3 -c 'import sys; print(\"pluggy\" in sys.modules)'")[1] == "False\n"


@pytest.mark.parametrize(
    "deep",
    [
        "def f(): f()\nf()",
        "import json; json.loads('[' * 100_000)",
        "x = []\nfor _ in range(100_000): x = [x]\nrepr(x)",
        "x, y = [], []\nfor _ in range(9_000): x, y = [x], [y]\nx == y",
        "class A:\n def __getattr__(self, name): return getattr(self, name + 'x')\nA().x",
        "class A:\n def __repr__(self): return repr(self)\nrepr(A())",
        "def f(): return sorted([1], key=lambda _: f())\nf()",
        "compile('x' + '+1' * 9_000, '', 'eval')",
        "compile('x' + '.a' * 9_000, '', 'eval')",
        "compile('-' * 90_000 + '1', '', 'eval')",
        "import pickle\nx = []\nfor _ in range(9_000): x = [x]\npickle.dumps(x)",
        "import copy\nx = []\nfor _ in range(9_000): x = [x]\ncopy.deepcopy(x)",
        "import re; re.compile('(' * 9_000 + ')' * 9_000)",
        "import xml.etree.ElementTree as t; e = t.fromstring('<a>' * 20_000 + '</a>' * 20_000); t.tostring(e)",
    ],
)
def test_what_is_too_deep_is_an_error_of_python(vm: Vm, deep: str) -> None:
    done = vm.call("exec", argv=["python3", "-c", deep], timeoutMs=LONGEST_MS)
    assert done["exitCode"] == 1
    assert done["stderr"].splitlines()[-1].startswith(("RecursionError", "MemoryError"))


def test_databases_are_kept_and_shared(vm: Vm) -> None:
    text = """
        import bz2, sqlite3
        with sqlite3.connect("/tmp/kept.db") as database:
            database.execute("create table t (name text, n integer)")
            database.executemany("insert into t values (?, ?)", [("a", 1), ("b", 2)])
        print(sqlite3.connect("/tmp/kept.db").execute("select sum(n) from t").fetchone()[0])
        print(database.execute("select json_object('n', max(n)) from t").fetchone(), bz2.decompress(bz2.compress(b"small")))
    """
    assert python(vm, text).splitlines() == ["3", "('{\"n\":2}',) b'small'"]


def test_files_are_worked_on(vm: Vm) -> None:
    text = """
        import gzip, pathlib, shutil, tarfile, tempfile, zipfile
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "a" / "b").mkdir(parents=True)
            (folder / "a" / "b" / "c.txt").write_text("text")
            (folder / "link").symlink_to("a/b/c.txt")
            with zipfile.ZipFile(folder / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                archive.write(folder / "a" / "b" / "c.txt", "c.txt")
            with tarfile.open(folder / "x.tgz", "w:gz") as archive:
                archive.add(folder / "a", "a")
            print(zipfile.ZipFile(folder / "x.zip").read("c.txt"), tarfile.open(folder / "x.tgz").getnames())
            print(gzip.decompress(gzip.compress(b"again")), (folder / "link").read_text())
            print(sorted(path.name for path in folder.rglob("*")))
            shutil.copytree(folder / "a", folder / "d")
            shutil.rmtree(folder / "a")
            print((folder / "a").exists(), (folder / "d" / "b" / "c.txt").read_text())
        print(folder.exists())
    """
    assert python(vm, text).splitlines() == [
        "b'text' ['a', 'a/b', 'a/b/c.txt']",
        "b'again' text",
        "['a', 'b', 'c.txt', 'link', 'x.tgz', 'x.zip']",
        "False text",
        "False",
    ]


def test_every_module_of_the_library_is_there(vm: Vm) -> None:
    text = """
        import importlib, pkgutil, sys
        left = {"antigravity", "this", "idlelib", "tkinter", "turtle", "turtledemo", "test"}
        for name in sorted(sys.stdlib_module_names - left):
            if name.startswith(("_", "nt", "win", "ms")):
                continue
            try:
                importlib.import_module(name)
            except ImportError as error:
                print(error)
    """
    assert python(vm, text).splitlines() == [
        "No module named '_ctypes'",
        "No module named '_curses'",
        "No module named '_lzma'",
        "No module named 'readline'",
        "No module named 'syslog'",
    ]


def test_pip_installs_from_a_folder_and_what_it_installs_stays(vm: Vm) -> None:
    script = r"""
        set -e
        mkdir -p house src && cd src
        printf 'def hello():\n    print("hello from it")\n' > greeting.py
        printf 'Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n' > METADATA
        python3 - <<'END'
        import zipfile
        with zipfile.ZipFile("../house/greeting-1.0-py3-none-any.whl", "w") as wheel:
            wheel.write("greeting.py")
            wheel.write("METADATA", "greeting-1.0.dist-info/METADATA")
            wheel.writestr("greeting-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr("greeting-1.0.dist-info/entry_points.txt", "[console_scripts]\ngreet = greeting:hello\n")
            wheel.writestr("greeting-1.0.dist-info/RECORD", "")
        END
        cd ..
        pip install --quiet --no-index --find-links house greeting
        greet
        pip list | grep greeting
        python3 -m venv --without-pip env
        env/bin/python -c 'import sys; print(sys.prefix, sys.base_prefix)'
    """
    code, output, error = run(vm, textwrap.dedent(script), cwd="/home/user")
    assert (code, error) == (0, "")
    assert output.split() == ["hello", "from", "it", "greeting", "1.0", "/home/user/env", "/usr"]
    vm.call("vm.sleep")
    assert run(vm, "greet")[1] == "hello from it\n"


def test_rich_draws_when_it_is_told_something(vm: Vm) -> None:
    """Of its own accord it would do so in a thread. pip has one of its own."""
    program = """
from pip._vendor.rich.console import Console
from pip._vendor.rich.progress import track
print(sum(track(range(3), console=Console(force_terminal=True, width=80))))
with Console().status("working"):
    print("done")
"""
    done = vm.call("exec", argv=["python3", "-c", program])
    assert (done["stderr"], done["exitCode"]) == ("", 0)
    assert "100%" in done["stdout"]
    assert done["stdout"].endswith("3\ndone\n")


def test_an_environment_has_a_pip_of_its_own(vm: Vm) -> None:
    script = "python3 -m venv own && . own/bin/activate && pip --version && command -v python pip"
    code, output, error = run(vm, script, cwd="/home/user")
    assert (code, error) == (0, "")
    version, *found = output.splitlines()
    assert "from /home/user/own/lib/python3.13/site-packages/pip " in version
    assert found == ["/home/user/own/bin/python", "/home/user/own/bin/pip"]


def test_python_at_a_terminal(vm: Vm) -> None:
    shell = Shell(vm, "python3", "-q")
    shell.until(">>> ")
    shell.type("x = 20 + 22; x\r")
    shell.until("42\r\n")
    shell.type("exit()\r")
    assert shell.call("waitShell")["exitCode"] == 0
