"""Whether something is an agent: it is started as one, in a VM of its own that nobody sees and that is gone afterwards."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from runtime.acp.messages import SESSION_NEW
from runtime.api.errors import ApiError, ErrorCode
from runtime.clock import epoch_ms
from runtime.exhaustion import check_exhausted
from runtime.hub import Hub
from runtime.scratch import scratch_directory
from runtime.store.durability import Durability
from runtime.store.store import open_store
from runtime.vms.agent_programs import ComponentRef
from runtime.vms.catalogue import AgentSpec, Catalogue
from runtime.vms.options import VmOptions
from runtime.vms.vm import Vm
from runtime.vms.volume import Volume

if TYPE_CHECKING:
    from runtime.budget import Budget
    from runtime.engine import Engine
    from runtime.memory import MemoryBound
    from runtime.store.store import Store
    from runtime.vms.agent_programs import AgentProgram
    from wasi_fs import Base

PREFIX: Final = "torpor-trial-"

MAX_SHOWN: Final = 200
"""Characters of what it says that it is called: a line of a list."""


@attrs.frozen
class About:
    """What an agent says of itself; "" where it says nothing."""

    title: str = ""
    version: str = ""


@attrs.frozen
class Trial:
    """What an agent has answered."""

    info: Any = None
    """ACP's `agentInfo`; None also of one that has refused the session."""
    capabilities: Any = None
    """ACP's `agentCapabilities`, likewise."""
    refusal: str | None = None
    """What it has answered to `session/new` in place of a session: it may lack what a VM or a user would give."""


class _One(Catalogue):
    """One agent."""

    def __init__(self, spec: AgentSpec) -> None:
        super().__init__(Path("/"))
        self._spec = spec

    def get(self, _agent_type: str) -> AgentSpec:
        """See Catalogue."""
        return self._spec


@attrs.frozen
class Bench:
    """What trials are made with."""

    engine: Engine
    memory_bound: MemoryBound
    agent_budget: Budget
    base: Base
    """What lies beneath the tree of the trial's VM."""


async def try_agent(bench: Bench, spec: AgentSpec, content: bytes | None) -> Trial:
    """Start the agent, with this component if it has one, and have it open a session. It reaches no host, not even those of
    its manifest.

    An agent that refuses the session is one. Raises ApiError INVALID_ARGUMENT, IO_ERROR.
    """
    try:
        with scratch_directory(PREFIX) as (folder, _):
            program: AgentProgram = ComponentRef(folder / "agent.wasm")
            if content is None:
                program = attrs.evolve(spec.program, network=())
            else:
                await trio.Path(folder / "agent.wasm").write_bytes(content)
            tried = attrs.evolve(spec, program=program)
            async with open_store(folder / "trial.db", durability=Durability.NONE) as store:
                session, error = await _start(store, bench, tried)
    except OSError as failed:
        check_exhausted(failed)
        message = f"there is no place for a trial in {tempfile.gettempdir()}: {failed.strerror}"
        raise ApiError(ErrorCode.IO_ERROR, message) from failed
    if session is not None:
        return Trial(session["agentInfo"], session["capabilities"])
    assert error is not None
    if error.code is not ErrorCode.AGENT_FAILED:
        raise error
    if error.data["phase"] == SESSION_NEW and "agentError" in error.data:
        return Trial(refusal=error.message)
    said = f": {said}" if (said := error.data["stderr"].strip()) else ""
    message = f"{called(spec)} is no agent: {error.message}{said}"
    raise ApiError(ErrorCode.INVALID_ARGUMENT, message, pointer="/path") from error


def called(spec: AgentSpec) -> Path:
    """The file that is to be an agent."""
    program = spec.program
    return program.path if isinstance(program, ComponentRef) else program.folder / program.entry


async def _start(store: Store, bench: Bench, spec: AgentSpec) -> tuple[dict[str, Any] | None, ApiError | None]:
    """Its session, or why it has none."""
    record, _ = await store.vms.get_or_create("trial", {}, epoch_ms())
    options = VmOptions()
    vm = Vm(
        record,
        options,
        Volume(store, record, options, base=bench.base),
        store=store,
        hub=Hub(),
        engine=bench.engine,
        agents=_One(spec),
        secrets={},
        memory_bound=bench.memory_bound,
        agent_budget=bench.agent_budget,
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(vm.run, lambda: None)
        try:
            return await vm.sessions.create(spec.id), None
        except ApiError as error:  # which the nursery would make a group
            return None, error
        finally:
            with trio.CancelScope(shield=True):
                await vm.stop()
    raise AssertionError


def about(info: Any) -> About:
    """What ACP's `agentInfo` says."""
    info = info if isinstance(info, dict) else {}
    title, name, version = (
        text if isinstance(text := info.get(key), str) else "" for key in ("title", "name", "version")
    )
    return About((title or name)[:MAX_SHOWN], version[:MAX_SHOWN])
