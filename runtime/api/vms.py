"""Methods on VMs, `vm.*`: what they take and return."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from runtime.api.errors import ErrorCode
from runtime.api.limits import (
    MAX_GRANT,
    MAX_GRANTS,
    MAX_INT,
    MAX_LABEL,
    MAX_LABELS,
    MAX_MOUNTS,
    MAX_PATH,
    MAX_PROGRESS_TOKEN,
    MAX_SESSIONS,
    MAX_TRANSCRIPT_BYTES,
    MIN_MEMORY_BYTES,
)
from runtime.api.method import Method
from runtime.api.stats import VmStats
from runtime.api.types import Fault, Millis, NoParams, Params, Timestamp, VmName, VmParams, doc, name_faults

NetworkPattern = Annotated[
    str,
    Meta(min_length=1, max_length=MAX_GRANT, description='host or host:port, "*.domain", or "*" for every public host'),
]

Positive = Annotated[int, Meta(gt=0, le=MAX_INT)]

TranscriptBytes = Annotated[int, Meta(gt=0, le=MAX_TRANSCRIPT_BYTES)]

SessionCount = Annotated[int, Meta(gt=0, le=MAX_SESSIONS)]

MemoryBytes = Annotated[int, Meta(le=MAX_INT, extra_json_schema={"minimum": MIN_MEMORY_BYTES})]

Label = Annotated[str, Meta(max_length=MAX_LABEL)]

Labels = Annotated[dict[Label, Label], Meta(max_length=MAX_LABELS)]

BaseKind = Literal["default", "none"]

_BASE: Final = "Whether Torpor's own commands and a few texts lie beneath the VM's files: `default`, or `none`."

MountPath = Annotated[str, Meta(min_length=1, max_length=MAX_PATH)]


class Network(Params):
    """What the VM's guests may reach."""

    allow: Annotated[
        list[NetworkPattern],
        Meta(max_length=MAX_GRANTS),
        doc("Grants; a VM without any reaches nothing but what an agent's manifest declares."),
    ] = msgspec.field(default_factory=list)


class Limits(Params):
    """Limits of the VM; what is left out has the daemon's default."""

    memory_bytes: Annotated[MemoryBytes | None, doc("Memory of each guest, at least 1 MiB. Default: 512 MiB.")] = None
    fuel: Annotated[
        Positive | None, doc("Fuel of each guest, about one unit for each instruction. Default: unlimited.")
    ] = None
    files: Annotated[Positive | None, doc("Files, directories and links of the VM. Default: 1,000,000.")] = None
    file_bytes: Annotated[Positive | None, doc("Bytes of all files of the VM together. Default: 10 GiB.")] = None
    processes: Annotated[Positive | None, doc("Guests of the VM at once, agents included. Default: 1,024.")] = None
    output_bytes: Annotated[Positive | None, doc("Bytes that are kept of one process's output. Default: 4 MiB.")] = None
    turn_bytes: Annotated[TranscriptBytes | None, doc("Bytes of the events of one turn. Default: 128 MiB.")] = None
    session_bytes: Annotated[TranscriptBytes | None, doc("Bytes of the events of one session. Default: 1 GiB.")] = None
    transcript_bytes: Annotated[
        TranscriptBytes | None, doc("Bytes of the events of all sessions of the VM together. Default: 4 GiB.")
    ] = None
    sessions: Annotated[SessionCount | None, doc("Sessions of the VM, closed ones included. Default: 20,000.")] = None

    def faults(self) -> Iterator[Fault]:
        """A memory in which no program would ever start."""
        if self.memory_bytes is not None and self.memory_bytes < MIN_MEMORY_BYTES:
            why = "a small program's stack and data alone take nearly as much"
            yield "/options/limits/memoryBytes", f"at least {MIN_MEMORY_BYTES} are expected: {why}"


class Mount(Params):
    """A directory of the daemon's machine in the VM."""

    path: Annotated[MountPath, doc("Where it is in the VM: absolute, not the root, not in another mount.")]
    host: Annotated[
        MountPath, doc("The directory's real path on the daemon's machine: absolute, and without symbolic links.")
    ]
    read_only: Annotated[bool, doc("Nothing below it can be changed through the VM. Default: false.")] = False


Mounts = Annotated[list[Mount], Meta(max_length=MAX_MOUNTS)]


class VmOptions(Params):
    """Options of a VM, kept with it."""

    network: Annotated[Network | None, doc("What the VM's guests may reach.")] = None
    limits: Annotated[Limits | None, doc("What the VM's guests and files may use.")] = None
    idle_timeout_ms: Annotated[
        Millis | None, doc("The VM falls asleep after so long without work. Default: 15 minutes.")
    ] = None
    labels: Annotated[Labels | None, doc("Texts of the creator's own, at most 100.")] = None
    mounts: Annotated[
        Mounts | None,
        doc("Directories of the daemon's machine that the VM's guests and clients may use. Default: none."),
    ] = None
    base: Annotated[BaseKind | None, doc(_BASE)] = None


class VmGetOrCreate(VmParams):
    """The VM, and its options where it is to be created or checked."""

    options: Annotated[
        VmOptions | None, doc("The options of a new VM. An existing VM must have these, where they are given.")
    ] = None

    def faults(self) -> Iterator[Fault]:
        """Also those of the limits."""
        yield from super().faults()
        if self.options is not None and self.options.limits is not None:
            yield from self.options.limits.faults()


class VmChanges(Params):
    """Options to replace: what is left out stays as it is, null goes back to the default."""

    network: Annotated[Network | UnsetType | None, doc("What the VM's guests may reach.")] = UNSET
    limits: Annotated[Limits | UnsetType | None, doc("What the VM's guests and files may use.")] = UNSET
    idle_timeout_ms: Annotated[
        Millis | UnsetType | None, doc("The VM falls asleep after so long without work. Default: 15 minutes.")
    ] = UNSET
    labels: Annotated[Labels | UnsetType | None, doc("Texts of the creator's own, at most 100.")] = UNSET
    mounts: Annotated[
        Mounts | UnsetType | None,
        doc("Directories of the daemon's machine that the VM's guests and clients may use. Default: none."),
    ] = UNSET
    base: Annotated[BaseKind | UnsetType | None, doc(_BASE)] = UNSET


class VmConfigure(VmParams):
    """The VM, and what is to change in its options."""

    options: Annotated[VmChanges, doc("The members to replace.")]

    def faults(self) -> Iterator[Fault]:
        """Also those of the limits."""
        yield from super().faults()
        if isinstance(self.options.limits, Limits):
            yield from self.options.limits.faults()


class VmSleep(VmParams):
    """Which VM, and how patiently."""

    grace_ms: Annotated[Millis | None, doc("How long to wait for turns and processes that run. Default: 30 s.")] = None
    force: Annotated[bool, doc("Cancel turns and kill processes that run instead of waiting for them.")] = False


HostPath = Annotated[str, Meta(min_length=2, max_length=MAX_PATH, description="absolute, on the daemon's machine")]

ProgressToken = Annotated[str, Meta(max_length=MAX_PROGRESS_TOKEN)]


class VmExport(VmParams):
    """Which VM, and the file to make."""

    path: Annotated[HostPath, doc("The file to make: absolute, on the daemon's machine. It must not exist.")]
    progress_token: Annotated[
        ProgressToken | None, doc("With it `progress` notifications tell how far the work has come, under this token.")
    ] = None


class VmImport(Params):
    """The file, the VM's new name, and whether what reaches beyond the VM is believed: hosts, policies, cron jobs."""

    path: Annotated[HostPath, doc("The file that was exported: absolute, on the daemon's machine.")]
    vm: Annotated[VmName | None, doc("The name of the new VM; the name that the file holds when left out.")] = None
    trust: Annotated[
        bool, doc("Believe what the file says about things beyond the VM: hosts, permission policies, cron jobs.")
    ] = False
    progress_token: Annotated[
        ProgressToken | None, doc("With it `progress` notifications tell how far the work has come, under this token.")
    ] = None

    def faults(self) -> Iterator[Fault]:
        """A VM's name that is none."""
        return name_faults("/vm", self.vm)


class Need(Struct, frozen=True):
    """An agent or a command that was added to a daemon, and that a VM may need."""

    kind: Annotated[Literal["agent", "command"], doc("What it is.")]
    name: Annotated[str, doc("The agent's id, or the command's name.")]
    sha256: Annotated[str, doc("The hash of its component.")]


class Lack(Struct, frozen=True):
    """Something that a VM had where it was exported, and has not here, or another one."""

    kind: Annotated[Literal["agent", "command"], doc("What it is.")]
    name: Annotated[str, doc("The agent's id, or the command's name.")]
    sha256: Annotated[str | None, doc("The hash of its component there; null where the file does not tell it.")]
    here: Annotated[str | None, doc("The hash of what has that name here; null where nothing has.")]


class Exported(Struct, frozen=True, rename="camel"):
    """An export that was made."""

    path: Annotated[str, doc("The file that was made.")]
    bytes: Annotated[int, doc("The size of the file.")]
    mounts: Annotated[
        list[str] | UnsetType,
        doc("Paths of the VM where directories of this machine are mounted; the file has nothing of those."),
    ] = UNSET
    needs: Annotated[
        list[Need] | UnsetType,
        doc("What was added to this daemon that the VM may need elsewhere: agents of its sessions, and commands."),
    ] = UNSET


class VmInfo(Struct, frozen=True, rename="camel", kw_only=True):
    """A VM."""

    vm: Annotated[VmName, doc("The VM's name: 1 to 128 of `A-Za-z0-9._-`, or a list of up to 8 such strings.")]
    state: Annotated[Literal["awake", "asleep"], doc("`awake` when guests of the VM may be in memory, else `asleep`.")]
    created_at: Annotated[Timestamp, doc("When it was created, in milliseconds since the epoch.")]
    updated_at: Annotated[
        Timestamp, doc("When it last woke, fell asleep or got other options, in milliseconds since the epoch.")
    ]
    options: Annotated[
        dict[str, Any] | None, doc("The options as they were given; what is left out has the daemon's default.")
    ] = None


class VmCreated(VmInfo, frozen=True):
    """A VM, and whether it is new."""

    created: Annotated[bool, doc("Whether this call created it.")]


class VmImported(VmCreated, frozen=True):
    """A VM that was imported."""

    lacks: Annotated[
        list[Lack] | UnsetType,
        doc("Agents and commands that the VM had where it was exported, and has not here, or other ones."),
    ] = UNSET


GET_OR_CREATE: Final = Method(
    "vm.getOrCreate",
    VmGetOrCreate,
    VmCreated,
    "Return the VM of this name, created if need be; idempotent.",
    errors=(
        ErrorCode.VM_CONFLICT,
        ErrorCode.LIMIT_EXCEEDED,
    ),
)

GET: Final = Method(
    "vm.get",
    VmParams,
    VmInfo,
    "Describe a VM; never wakes it.",
    errors=(ErrorCode.VM_NOT_FOUND,),
)

CONFIGURE: Final = Method(
    "vm.configure",
    VmConfigure,
    VmInfo,
    "Replace options of a VM, asleep or awake; limits of guests and of processes count from the next wake on.",
    errors=(
        ErrorCode.VM_NOT_FOUND,
        ErrorCode.INVALID_ARGUMENT,
    ),
)

LIST: Final = Method(
    "vm.list",
    NoParams,
    list[VmInfo],
    "Describe all VMs; wakes none.",
    returns="All VMs, by name.",
)

SLEEP: Final = Method(
    "vm.sleep",
    VmSleep,
    dict[str, Any],
    "Hibernate the VM now: wait for running turns up to graceMs, or force.",
    errors=(
        ErrorCode.VM_NOT_FOUND,
        ErrorCode.BUSY,
    ),
)

WAKE: Final = Method(
    "vm.wake",
    VmParams,
    VmInfo,
    "Wake the VM; never needed, since calls do.",
    errors=(ErrorCode.VM_NOT_FOUND,),
)

STATS: Final = Method(
    "vm.stats",
    VmParams,
    VmStats,
    "Tell what the VM uses; wakes nothing.",
    errors=(ErrorCode.VM_NOT_FOUND,),
    returns="Sessions, processes, fuel, memory, files and events of the VM.",
)

DESTROY: Final = Method(
    "vm.destroy",
    VmParams,
    dict[str, Any],
    "Remove the VM with its sessions, files and everything.",
    errors=(ErrorCode.VM_NOT_FOUND,),
)

EXPORT: Final = Method(
    "vm.export",
    VmExport,
    Exported,
    "Write the VM with its files and sessions to a new file, without the values of env; wakes nothing.",
    errors=(
        ErrorCode.VM_NOT_FOUND,
        ErrorCode.EXISTS,
        ErrorCode.NOT_FOUND,
        ErrorCode.IO_ERROR,
    ),
)

IMPORT: Final = Method(
    "vm.import",
    VmImport,
    VmImported,
    "Make a VM of an exported file; without trust it reaches no host until vm.configure says so.",
    errors=(
        ErrorCode.VM_CONFLICT,
        ErrorCode.NOT_FOUND,
        ErrorCode.STATE_CORRUPT,
        ErrorCode.STATE_NEWER,
        ErrorCode.TOO_LARGE,
        ErrorCode.IO_ERROR,
    ),
)
