"""What /proc tells of the machine, which is the VM: one processor, the memory that a process may have, the load."""

from __future__ import annotations

import math
import uuid
from functools import cached_property
from typing import TYPE_CHECKING, Final

from runtime.posix.alarm import SECOND_NS
from runtime.posix.proc.fields import TICK_NS, is_running
from runtime.posix.sys_families import FUEL_PER_NS
from runtime.version import VERSION
from wasi_fs import FsCode, FsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.posix.process import Kernel
    from runtime.wasi.state import Ambient

MINUTES: Final = (1, 5, 15)
"""Over which the load is averaged."""

OS_TYPE: Final = "Linux"
OS_RELEASE: Final = "0"
HOST_NAME: Final = "torpor"
"""What uname(2) tells; the name where /etc/hostname has none."""

MAX_NAME: Final = 64
"""Bytes of a host's name, as on Linux."""

_CPUINFO: Final = """\
processor\t: 0
vendor_id\t: Torpor
model name\t: WebAssembly
cpu cores\t: 1

"""
_FILESYSTEMS: Final = "\ttorpor\n\thost\nnodev\tdevtmpfs\nnodev\tproc\n"


class MachineFacts:
    """The texts of these files. `memory_bytes` is what each process may have, `fuel_used` what all have used so far."""

    def __init__(self, kernel: Kernel, ambient: Ambient, memory_bytes: int, fuel_used: Callable[[], int]) -> None:
        self._kernel = kernel
        self._ambient = ambient
        self._memory_bytes = memory_bytes
        self._fuel_used = fuel_used
        self.began: Final = ambient.now_monotonic_ns()
        """When the VM woke, by its monotonic clock."""
        self._began_at = ambient.now_wall_ns() // SECOND_NS
        self._looked_at, self._cpu_looked_at = self.began, 0
        self._loads = [0.0] * len(MINUTES)
        self._looks_for_name = False

    def cpuinfo(self) -> bytes:
        """One processor, whatever the host has."""
        return _CPUINFO.encode()

    def filesystems(self) -> bytes:
        """The types in `mounts`."""
        return _FILESYSTEMS.encode()

    def version(self) -> bytes:
        """As uname tells it."""
        return f"{OS_TYPE} version {OS_RELEASE} (Torpor {VERSION}) torpor\n".encode()

    def meminfo(self) -> bytes:
        """In kB. All processes of the VM are counted together against what one of them may have."""
        used = sum(0 if each.guest is None else each.guest.memory_used for each in self._kernel.processes.values())
        free = max(0, self._memory_bytes - used)
        sizes = {"MemTotal": self._memory_bytes, "MemFree": free, "MemAvailable": free}
        sizes |= dict.fromkeys(("Buffers", "Cached", "SwapCached", "SwapTotal", "SwapFree", "Shmem", "SReclaimable"), 0)
        return "".join(f"{name + ':':15} {size // 1024:8} kB\n" for name, size in sizes.items()).encode()

    def uptime(self) -> bytes:
        """Seconds since the VM woke, and those that nothing was computed."""
        up, idle = self._up(), self._idle()
        return f"{up / SECOND_NS:.2f} {idle / SECOND_NS:.2f}\n".encode()

    def loadavg(self) -> bytes:
        """Processors in use, on average, looked at whenever somebody asks; running and all processes, and the newest's pid."""
        now, cpu = self._ambient.now_monotonic_ns(), self._cpu()
        passed = now - self._looked_at
        if passed > 0:
            load = (cpu - self._cpu_looked_at) / passed
            for place, minutes in enumerate(MINUTES):
                stays = math.exp(-passed / (minutes * 60 * SECOND_NS))
                self._loads[place] = self._loads[place] * stays + load * (1 - stays)
            self._looked_at, self._cpu_looked_at = now, cpu
        averages = " ".join(f"{load:.2f}" for load in self._loads)
        return f"{averages} {self._running()}/{len(self._kernel.processes)} {self._kernel.newest}\n".encode()

    def stat(self) -> bytes:
        """Time in ticks, when the VM woke, and how many processes there were."""
        busy, idle = self._cpu() // TICK_NS, self._idle() // TICK_NS
        times = f"{busy} 0 0 {idle} 0 0 0 0 0 0"
        return (
            f"cpu  {times}\ncpu0 {times}\nbtime {self._began_at}\nprocesses {self._kernel.count}\n"
            f"procs_running {self._running()}\nprocs_blocked 0\n"
        ).encode()

    def mounts(self) -> bytes:
        """The VM's own tree, what is made in it, and directories of the host by their places in the VM."""
        lines = ["torpor / torpor rw 0 0", "devtmpfs /dev devtmpfs rw 0 0", "proc /proc proc ro 0 0"]
        for mount in self._kernel.filesystem.mounts:
            place = "".join(f"\\{ord(char):03o}" if char in " \t\n\\" else char for char in mount.path)
            lines.append(f"host {place} host {'ro' if mount.read_only else 'rw'} 0 0")
        return "".join(f"{line}\n" for line in lines).encode()

    def space(self) -> bytes:
        """Of the VM's own files: the bytes that they may have and have, and how many there may be and are."""
        files = self._kernel.filesystem
        pairs = (files.limits.bytes, files.usage.bytes), (files.limits.entries, files.usage.entries)
        return "".join(f"{most} {used}\n" for most, used in pairs).encode()

    def host_name(self) -> bytes:
        """The first line of /etc/hostname, as gethostname(2) has it."""
        if self._looks_for_name:
            raise FsError(FsCode.LOOP, "/etc/hostname leads to where its own content is told")
        self._looks_for_name = True
        try:
            text = self._kernel.filesystem.read_file("/etc/hostname", length=MAX_NAME)
        except FsError as error:
            if error.code is FsCode.WOULD_BLOCK:
                raise
            text = b""
        finally:
            self._looks_for_name = False
        return (text.partition(b"\n")[0] or HOST_NAME.encode()) + b"\n"

    def boot_id(self) -> bytes:
        """Another one each time the VM wakes."""
        return self._boot_id

    @cached_property
    def _boot_id(self) -> bytes:
        return self._uuid()  # when somebody asks, and not before: guests get the same random bytes with and without

    def uuid(self) -> bytes:
        """Another one each time."""
        return self._uuid()

    def _uuid(self) -> bytes:
        return f"{uuid.UUID(bytes=self._ambient.random(16), version=4)}\n".encode()

    def _up(self) -> int:
        return self._ambient.now_monotonic_ns() - self.began

    def _cpu(self) -> int:
        return self._fuel_used() // FUEL_PER_NS

    def _idle(self) -> int:
        return max(0, self._up() - self._cpu())

    def _running(self) -> int:
        return sum(map(is_running, self._kernel.processes.values()))
