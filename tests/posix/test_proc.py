"""/proc of processes: what it tells, to whom, and what of that is the host's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest

from runtime.posix.alarm import SECOND_NS
from runtime.posix.arguments import MAX_BYTES, Arguments
from runtime.posix.descriptions import File, Folder
from runtime.posix.names import MAX_TOLD, descriptor_of, told_path
from runtime.posix.numbers import LAST_PID, WORKING_DIRECTORY
from runtime.posix.pipes import Pipes
from runtime.posix.proc.fields import MAX_COMM, PAGE
from runtime.posix.proc.looking import looker
from runtime.posix.proc.machine import MAX_NAME, MachineFacts
from runtime.posix.proc.top import Top
from runtime.posix.process import Kernel, PosixProcess, Tree
from runtime.posix.sys_families import FUEL_PER_NS
from runtime.posix.terminal import Terminal, TerminalDescription
from runtime.wasi.state import Ambient
from tests.trees import MemoryBackend, refused
from wasi_fs import FileSystem, FsCode, Limits, Mount, OpenDirectory, OpenFile

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY = 64 * 1024 * 1024


class Clock(Ambient):
    """A VM's clock that the test moves, and chance that is none."""

    def __init__(self) -> None:
        self.now = 5 * SECOND_NS

    def now_wall_ns(self) -> int:
        return 1_000_000 * SECOND_NS + self.now

    def now_monotonic_ns(self) -> int:
        return self.now

    def random(self, count: int) -> bytes:
        return bytes(count)


@attrs.define
class Guest:
    """A program that runs."""

    memory_used: int = 3 * PAGE
    fuel_used: int = 0
    waits: bool = False


class Box:
    """A kernel with a tree that shows its /proc."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.fuel = 0
        self.fs = FileSystem(MemoryBackend(), Limits(), self.clock.now_wall_ns, bytes)
        self.fs.mkdir("/home/user", parents=True)
        machine: Any = None
        self.kernel = Kernel(machine, self.fs)
        facts = MachineFacts(self.kernel, self.clock, MEMORY, lambda: self.fuel)
        self.fs.proc = Top(self.kernel, facts)

    def process(self, pid: int, tree: Tree | None = None, **options: Any) -> PosixProcess:
        cwd = self.fs.open("/home/user")
        assert isinstance(cwd, OpenDirectory)
        given: dict[str, Any] = {"arguments": Arguments.of(["sh", "-c", "x"], {"A": "1"}), "started": self.clock.now}
        process = PosixProcess(
            kernel=self.kernel,
            pid=pid,
            tree=tree or Tree(),
            parent=None,
            group=pid,
            session=pid,
            cwd=cwd,
            told_cwd="/home/user",
            **{**given, **options},
        )
        process.guest = Guest()  # type: ignore[assignment]
        self.kernel.add(process)
        return process

    def text(self, path: str) -> str:
        return self.fs.read_file(path).decode()

    def fields(self, path: str) -> dict[str, str]:
        return dict(line.split(":", 1) for line in self.text(path).splitlines())


@pytest.fixture
def box() -> Iterator[Box]:
    yield Box()
    looker.set(None)


def looking(process: PosixProcess | None) -> None:
    looker.set(process)


def test_stat_and_status_are_as_proc5_has_them(box: Box) -> None:
    box.clock.now += 2 * SECOND_NS
    process = box.process(7, name=b"a )name\nof many bytes")
    process.guest.fuel_used = 3 * SECOND_NS * FUEL_PER_NS  # type: ignore[union-attr,misc]
    stat = box.fs.read_file("/proc/7/stat")
    assert stat.startswith(b"7 (a )name\nof many) R 1 7 7 0 -1 ")
    rest = stat[stat.rindex(b")") + 2 :].split()
    assert len(rest) == 50, "with pid and comm 52"
    assert (rest[11], rest[17], rest[19], rest[20], rest[21]) == (b"300", b"1", b"200", b"%d" % (3 * PAGE), b"3")
    status = box.fields("/proc/7/status")
    assert status["Name"] == "\ta )name\\nof many"
    assert (status["State"], status["PPid"], status["Uid"]) == ("\tR (running)", "\t1", "\t1000\t1000\t1000\t1000")
    assert status["VmRSS"] == f"\t{3 * PAGE // 1024:8} kB"
    assert box.text("/proc/7/comm") == "a )name\nof many\n"
    assert len(box.text("/proc/7/comm")) == MAX_COMM + 1
    assert box.text("/proc/7/statm") == "3 3 0 0 0 3 0\n"


def test_what_a_process_does(box: Box) -> None:
    process = box.process(7)
    guest: Any = process.guest
    told = []
    for change in ("runs", "waits", "stopped", "ended"):
        guest.waits = change == "waits"
        process.is_stopped = change == "stopped"
        process.status = 0 if change == "ended" else None
        told.append(box.fields("/proc/7/status")["State"].strip())
    assert told == ["R (running)", "S (sleeping)", "T (stopped)", "Z (zombie)"]
    assert box.text("/proc/7/cmdline") == ""


def test_it_is_told_to_its_own(box: Box) -> None:
    tree = Tree()
    process = box.process(7, tree, path="/bin/sh")
    sibling, stranger = box.process(8, tree), box.process(9)
    assert box.text("/proc/7/cmdline") == "sh\0-c\0x\0"
    for looks in (process, sibling):
        looking(looks)
        assert box.text("/proc/7/environ") == "A=1\0"
        assert (box.fs.readlink("/proc/7/exe"), box.fs.readlink("/proc/7/cwd")) == ("/bin/sh", "/home/user")
        assert box.fs.readdir("/proc/7/fd") == []
        assert box.fs.readlink("/proc/self") == str(looks.pid)
    refused(FsCode.NO_ENTRY, box.fs.readlink, "/proc/8/exe")
    for nobody in (stranger, None):
        looking(nobody)
        for path in ("environ", "cwd/x", "fd/0"):
            refused(FsCode.ACCESS, box.fs.read_file, f"/proc/7/{path}")
        refused(FsCode.ACCESS, box.fs.readlink, "/proc/7/exe")
        refused(FsCode.ACCESS, box.fs.readlink, "/proc/7/root")
        refused(FsCode.ACCESS, box.fs.open, "/proc/7/fd")
    assert box.fs.readdir("/proc")[:3] == ["7", "8", "9"]
    refused(FsCode.NO_ENTRY, box.fs.stat, "/proc/self")


@pytest.mark.parametrize("name", ["10", "07", "+7", "٧", "7 ", "9" * 300, str(LAST_PID)])
def test_no_process(box: Box, name: str) -> None:
    box.process(7)
    refused(FsCode.NAME_TOO_LONG if len(name) > 255 else FsCode.NO_ENTRY, box.fs.stat, f"/proc/{name}/stat")


def test_much_of_arguments_is_told(box: Box) -> None:
    box.process(7, arguments=Arguments.of(["x" * (2 * MAX_BYTES)], {}))
    assert len(box.fs.read_file("/proc/7/cmdline")) == MAX_BYTES


def test_what_is_open_keeps_no_process(box: Box) -> None:
    box.process(7)
    with box.fs.open("/proc/7/stat") as file:
        del box.kernel.processes[7]
        assert isinstance(file, OpenFile)
        assert bytes(file.read(0, 3)) == b"7 (", "of the moment when it was opened"
        refused(FsCode.NO_ENTRY, file.read, 0, 3)


def test_descriptors_are_links(box: Box) -> None:
    process = box.process(7)
    looking(process)
    box.fs.write_file("/home/user/file", b"content")
    file, gone = box.fs.open("/home/user/file"), box.fs.open("/home/user/gone", write=True, create=True)
    folder = box.fs.open("/home")
    assert isinstance(file, OpenFile)
    assert isinstance(gone, OpenFile)
    assert isinstance(folder, OpenDirectory)
    process.terminal = Terminal(process, 24, 80)
    table = process.table
    for number, description in {
        0: TerminalDescription(process.terminal, 1),
        1: Pipes().make(0)[1],
        3: File(file, 1, told_path(process, WORKING_DIRECTORY, "../user/./file")),
        4: File(gone, 1, told_path(process, WORKING_DIRECTORY, "gone")),
        5: Folder(folder, 1, None),
        6: File(file.duplicate(), 1, told_path(process, WORKING_DIRECTORY, "/" + "x" * MAX_TOLD)),
        20: File(file.duplicate(), 1, told_path(process, 3, "/absolute")),
    }.items():
        table.set(number, description, closes=False)
    assert told_path(process, 5, "below") is None
    assert told_path(process, 20, "//double//slashes/") == "/double/slashes"
    process.told_cwd = "/"
    assert told_path(process, WORKING_DIRECTORY, "x") == "/x"
    box.fs.unlink("/home/user/gone")
    links = {name: box.fs.readlink(f"/proc/self/fd/{name}") for name in box.fs.readdir("/proc/7/fd")}
    assert links["1"].startswith("pipe:[")
    assert links["6"] == f"file:[{file.node.ino}]"
    del links["1"], links["6"]
    assert links == {
        "0": "/dev/tty",
        "3": "/home/user/file",
        "4": "/home/user/gone (deleted)",
        "5": "/home",
        "20": "/absolute",
    }
    assert box.text("/proc/7/fd/3") == "content"
    for name in ("2", "03", "99999", "x"):
        refused(FsCode.NO_ENTRY, box.fs.readlink, f"/proc/7/fd/{name}")
    paths = ["/dev/fd/3", "/proc/self/fd/3", "/proc/7/fd/3", "/proc/8/fd/3", "/proc/self/fd/x", "/dev/stdout"]
    assert [descriptor_of(process, path) for path in paths] == [3, 3, 3, None, None, 1]
    assert box.fields("/proc/7/status")["FDSize"].strip() == "64"
    assert b" R 1 7 7 34816 7 " in box.fs.read_file("/proc/7/stat"), "the terminal, and who is in its foreground"


def test_the_machine_is_the_vm(box: Box) -> None:
    box.process(7)
    assert box.fields("/proc/meminfo")["MemTotal"].strip() == f"{MEMORY // 1024} kB"
    assert box.fields("/proc/meminfo")["MemAvailable"].strip() == f"{(MEMORY - 3 * PAGE) // 1024} kB"
    box.clock.now += 40 * SECOND_NS
    box.fuel = 10 * SECOND_NS * FUEL_PER_NS
    assert box.text("/proc/uptime") == "40.00 30.00\n"
    assert box.text("/proc/stat").splitlines() == [
        "cpu  1000 0 0 3000 0 0 0 0 0 0",
        "cpu0 1000 0 0 3000 0 0 0 0 0 0",
        "btime 1000005",
        "processes 1",
        "procs_running 1",
        "procs_blocked 0",
    ]
    assert box.text("/proc/cpuinfo").count("processor") == 1
    assert box.text("/proc/sys/kernel/ostype") == "Linux\n"
    assert box.text("/proc/sys/kernel/overflowuid") == "65534\n"
    assert box.text("/proc/sys/kernel/pid_max") == f"{LAST_PID}\n"
    assert box.text("/proc/sys/kernel/random/uuid") == "00000000-0000-4000-8000-000000000000\n"
    assert box.text("/proc/sys/kernel/hostname") == "torpor\n"
    box.fs.write_file("/etc/hostname", b"n" * (MAX_NAME + 1) + b"\n", parents=True)
    assert box.text("/proc/sys/kernel/hostname") == "n" * MAX_NAME + "\n"
    box.fs.unlink("/etc/hostname")
    box.fs.symlink("/proc/sys/kernel/hostname", "/etc/hostname")
    assert box.text("/proc/sys/kernel/hostname") == "torpor\n", "asked what it would be by itself"
    limits, usage = box.fs.limits, box.fs.usage
    assert box.text("/proc/fs/torpor/space") == f"{limits.bytes} {usage.bytes}\n{limits.entries} {usage.entries}\n"
    box.fs.set_mounts([Mount("/work here", "/usr/share", read_only=True)])
    assert box.text("/proc/mounts").splitlines()[-1] == "host /work\\040here host ro 0 0"


def test_the_load_is_what_was_computed_since_somebody_looked(box: Box) -> None:
    box.process(7)
    assert box.text("/proc/loadavg") == "0.00 0.00 0.00 1/1 7\n"
    box.clock.now += 60 * SECOND_NS
    box.fuel += 60 * SECOND_NS * FUEL_PER_NS
    assert box.text("/proc/loadavg") == "0.63 0.18 0.06 1/1 7\n"
    box.clock.now += 3600 * SECOND_NS
    assert box.text("/proc/loadavg") == "0.00 0.00 0.00 1/1 7\n"
