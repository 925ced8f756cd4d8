"""`vm.*`: the methods on VMs. Translation only; `runtime.vms` does the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from runtime.api import names
from runtime.api.errors import ErrorCode
from runtime.api.names import with_vm_as_given
from runtime.api.types import MAX_INT, Fault, Millis, NoParams, Params, Timestamp, VmName, VmParams, name_faults
from runtime.rpc.methods import Call, MethodTable
from runtime.rpc.validation import invalid_params
from runtime.vms.mounts import MAX_MOUNTS
from runtime.vms.options import MAX_LABEL, MAX_LABELS, MAX_SESSIONS, MAX_TRANSCRIPT_BYTES, MIN_MEMORY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

METHODS: Final = MethodTable()

NetworkPattern = Annotated[
    str, Meta(min_length=1, max_length=300, description='host or host:port, "*.domain", or "*" for every public host')
]
Positive = Annotated[int, Meta(gt=0, le=MAX_INT)]
TranscriptBytes = Annotated[int, Meta(gt=0, le=MAX_TRANSCRIPT_BYTES)]
SessionCount = Annotated[int, Meta(gt=0, le=MAX_SESSIONS)]
MemoryBytes = Annotated[int, Meta(le=MAX_INT, extra_json_schema={"minimum": MIN_MEMORY_BYTES})]
Label = Annotated[str, Meta(max_length=MAX_LABEL)]
Labels = Annotated[dict[Label, Label], Meta(max_length=MAX_LABELS)]
MountPath = Annotated[str, Meta(min_length=1, max_length=4095)]


class Network(Params):
    """What the VM's guests may reach."""

    allow: Annotated[list[NetworkPattern], Meta(max_length=1000)] = msgspec.field(default_factory=list)


class Limits(Params):
    """Limits of the VM; what is left out has the daemon's default."""

    memory_bytes: MemoryBytes | None = None
    fuel: Positive | None = None
    files: Positive | None = None
    file_bytes: Positive | None = None
    processes: Positive | None = None
    output_bytes: Positive | None = None
    turn_bytes: TranscriptBytes | None = None
    session_bytes: TranscriptBytes | None = None
    transcript_bytes: TranscriptBytes | None = None
    sessions: SessionCount | None = None


class Mount(Params):
    """A directory of the daemon's machine in the VM."""

    path: MountPath
    host: MountPath
    read_only: bool = False


Mounts = Annotated[list[Mount], Meta(max_length=MAX_MOUNTS)]


class VmOptions(Params):
    """Options of a VM, kept with it."""

    network: Network | None = None
    limits: Limits | None = None
    idle_timeout_ms: Millis | None = None
    labels: Labels | None = None
    mounts: Mounts | None = None


class VmGetOrCreate(VmParams):
    """The VM, and its options where it is to be created or checked."""

    options: VmOptions | None = None


class VmChanges(Params):
    """Options to replace: what is left out stays as it is, null goes back to the default."""

    network: Network | UnsetType | None = UNSET
    limits: Limits | UnsetType | None = UNSET
    idle_timeout_ms: Millis | UnsetType | None = UNSET
    labels: Labels | UnsetType | None = UNSET
    mounts: Mounts | UnsetType | None = UNSET


class VmConfigure(VmParams):
    """The VM, and what is to change in its options."""

    options: VmChanges


class VmSleep(VmParams):
    """Which VM, and how patiently."""

    grace_ms: Millis | None = None
    force: bool = False


HostPath = Annotated[str, Meta(min_length=2, max_length=4095, description="absolute, on the daemon's machine")]


ProgressToken = Annotated[str, Meta(max_length=64)]


class VmExport(VmParams):
    """Which VM, and the file to make."""

    path: HostPath
    progress_token: ProgressToken | None = None


class VmImport(Params):
    """The file, the VM's new name, and whether what reaches beyond the VM is believed: hosts, policies, cron jobs."""

    path: HostPath
    vm: VmName | None = None
    trust: bool = False
    progress_token: ProgressToken | None = None

    def faults(self) -> Iterator[Fault]:
        """A VM's name that is none."""
        return name_faults("/vm", self.vm)


class Exported(Struct, rename="camel"):
    """An export that was made."""

    path: str
    bytes: int
    mounts: list[str] | UnsetType = UNSET


class VmInfo(Struct, rename="camel", kw_only=True):
    """A VM."""

    vm: VmName
    state: Literal["awake", "asleep"]
    created_at: Timestamp
    options: dict[str, Any] | None = None


class VmCreated(VmInfo):
    """A VM, and whether it is new."""

    created: bool


class SessionCounts(Struct, kw_only=True):
    """Sessions of a VM: all, those with an agent, those with a turn."""

    total: int
    live: int
    running: int


class ProcessCounts(Struct, kw_only=True):
    """Processes of a VM: all, and those that are neither agents nor their MCP servers."""

    count: int
    commands: int


class FileCounts(Struct, kw_only=True):
    """Entries and bytes of a VM's filesystem."""

    count: int
    bytes: int


class VmStats(Struct, rename="camel", kw_only=True):
    """What a VM uses. Fuel and peak are since it woke; tokens and cost sum up its sessions, null where no agent tells any."""

    vm: VmName
    state: Literal["awake", "asleep"]
    sessions: SessionCounts
    processes: ProcessCounts
    fuel_used: int
    memory_bytes: int
    peak_memory_bytes: int
    files: FileCounts
    events: int
    event_bytes: int
    tokens: dict[str, int] | None
    cost: dict[str, float] | None


def check_memory(limits: Limits | UnsetType | None) -> None:
    """Refuse a memory in which no program would ever start. ProtocolError -32602."""
    if isinstance(limits, Limits) and limits.memory_bytes is not None and limits.memory_bytes < MIN_MEMORY_BYTES:
        message = (
            f"at least {MIN_MEMORY_BYTES} are expected: a small program's stack and data alone take nearly as much"
        )
        raise invalid_params(("/options/limits/memoryBytes", message))


@METHODS.method(
    "vm.getOrCreate",
    VmGetOrCreate,
    VmCreated,
    "Return the VM of this name, created if need be; idempotent.",
    ErrorCode.VM_CONFLICT,
    ErrorCode.LIMIT_EXCEEDED,
)
async def _get_or_create(call: Call, params: VmGetOrCreate) -> Any:
    check_memory(None if params.options is None else params.options.limits)
    options = None if params.options is None else msgspec.to_builtins(params.options)
    return with_vm_as_given(await call.host.get_or_create(params.vm_name, options))


@METHODS.method("vm.get", VmParams, VmInfo, "Describe a VM; never wakes it.", ErrorCode.VM_NOT_FOUND)
async def _get(call: Call, params: VmParams) -> Any:
    return with_vm_as_given(await call.host.get(params.vm_name))


@METHODS.method(
    "vm.configure",
    VmConfigure,
    VmInfo,
    "Replace options of a VM, asleep or awake; limits of guests and of processes count from the next wake on.",
    ErrorCode.VM_NOT_FOUND,
    ErrorCode.INVALID_ARGUMENT,
)
async def _configure(call: Call, params: VmConfigure) -> Any:
    check_memory(params.options.limits)
    changes = msgspec.to_builtins(params.options)
    return with_vm_as_given(await call.host.configure(params.vm_name, changes))


@METHODS.method("vm.list", NoParams, list[VmInfo], "Describe all VMs; wakes none.")
async def _list_vms(call: Call, _params: NoParams) -> Any:
    return [with_vm_as_given(info) for info in await call.host.list()]


@METHODS.method(
    "vm.sleep",
    VmSleep,
    dict[str, Any],
    "Hibernate the VM now: wait for running turns up to graceMs, or force.",
    ErrorCode.VM_NOT_FOUND,
    ErrorCode.BUSY,
)
async def _sleep(call: Call, params: VmSleep) -> Any:
    answer = await call.host.sleep(params.vm_name, params.grace_ms, params.force)
    return {} if answer is None else with_vm_as_given(answer)


@METHODS.method("vm.wake", VmParams, VmInfo, "Wake the VM; never needed, since calls do.", ErrorCode.VM_NOT_FOUND)
async def _wake(call: Call, params: VmParams) -> Any:
    await call.host.vm(params.vm_name)
    return with_vm_as_given(await call.host.get(params.vm_name))


@METHODS.method("vm.stats", VmParams, VmStats, "Tell what the VM uses; wakes nothing.", ErrorCode.VM_NOT_FOUND)
async def _stats(call: Call, params: VmParams) -> Any:
    return with_vm_as_given(await call.host.stats(params.vm_name))


@METHODS.method(
    "vm.destroy",
    VmParams,
    dict[str, Any],
    "Remove the VM with its sessions, files and everything.",
    ErrorCode.VM_NOT_FOUND,
)
async def _destroy(call: Call, params: VmParams) -> Any:
    await call.host.destroy(params.vm_name)
    return {}


@METHODS.method(
    "vm.export",
    VmExport,
    Exported,
    "Write the VM with its files and sessions to a new file, without the values of env; wakes nothing.",
    ErrorCode.VM_NOT_FOUND,
    ErrorCode.EXISTS,
    ErrorCode.NOT_FOUND,
    ErrorCode.IO_ERROR,
)
async def _export(call: Call, params: VmExport) -> Any:
    return await call.host.export(params.vm_name, params.path, call.progress(params.progress_token))


@METHODS.method(
    "vm.import",
    VmImport,
    VmCreated,
    "Make a VM of an exported file; without trust it reaches no host until vm.configure says so.",
    ErrorCode.VM_CONFLICT,
    ErrorCode.NOT_FOUND,
    ErrorCode.STATE_CORRUPT,
    ErrorCode.STATE_NEWER,
    ErrorCode.TOO_LARGE,
    ErrorCode.IO_ERROR,
)
async def _import(call: Call, params: VmImport) -> Any:
    name = None if params.vm is None else names.joined(params.vm)
    return with_vm_as_given(
        await call.host.import_(params.path, name, call.progress(params.progress_token), trust=params.trust)
    )
