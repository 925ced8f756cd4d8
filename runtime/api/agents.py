"""Methods on agents: which there are, and those that are added."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from runtime.api.errors import ErrorCode
from runtime.api.limits import MAX_AGENT_TYPE
from runtime.api.method import Method
from runtime.api.types import Fault, Params, VmName, doc, name_faults
from runtime.api.vms import HostPath

AgentId = Annotated[str, Meta(min_length=1, max_length=MAX_AGENT_TYPE)]


class ListAgents(Params):
    """The VM whose agents are meant; any without it."""

    vm: Annotated[VmName | None, doc("The VM whose agents are meant; any VM when left out.")] = None

    def faults(self) -> Iterator[Fault]:
        """A VM's name that is none."""
        return name_faults("/vm", self.vm)


class AddAgent(Params):
    """A component or an agent's folder, and what it is to be called."""

    path: Annotated[
        HostPath,
        doc(
            "A component, or a folder with an agent.toml: an absolute path on the daemon's machine. It is copied; the folder "
            "of an agent without a build stays where it is, and the agent with it."
        ),
    ]
    name: Annotated[
        AgentId | None,
        doc(
            "The agent's id; that of the manifest, or the file's name without `.wasm`, when left out. An agent without a build "
            "has no other one than its manifest's."
        ),
    ] = None


class CheckAgent(Params):
    """A component or an agent's folder."""

    path: Annotated[
        HostPath, doc("A component, or a folder with an agent.toml: an absolute path on the daemon's machine.")
    ]


class RemoveAgent(Params):
    """An agent that was added."""

    name: Annotated[AgentId, doc("The agent's id.")]


class AgentInfo(Struct, frozen=True, kw_only=True):
    """An agent that sessions can run."""

    id: Annotated[str, doc("What `createSession` takes as `agentType`.")]
    title: Annotated[str, doc("The agent's name for people.")]
    version: Annotated[str, doc("The agent's version, from its manifest.")]
    kind: Annotated[
        str | None,
        doc(
            "`component`, or the language of an agent without a build: `python`; null where the manifest cannot be used."
        ),
    ]
    source: Annotated[str, doc("Where the agent is from: `built-in` or `user`.")]
    installed: Annotated[bool, doc("Whether what it runs and a usable manifest are there.")]
    sha256: Annotated[str | None, doc("The hash of the component of one that was added with `addAgent`; else null.")]
    problem: Annotated[
        str | None,
        doc(
            "Why no session can run it: the fault in its manifest, whose folder's name is the `id` then, that its component "
            "has not been built, or that its entry is not there; null for one that can be run."
        ),
    ]


class AgentCheck(Struct, frozen=True, kw_only=True):
    """What an agent is that could be added."""

    id: Annotated[str, doc("As `addAgent` would have it.")]
    title: Annotated[str, doc("The agent's name for people, from its manifest, or as it says itself.")]
    version: Annotated[str, doc("The agent's version, likewise.")]
    kind: Annotated[str, doc("`component`, or the language of an agent without a build: `python`.")]
    sha256: Annotated[str | None, doc("The hash of its component; null where it has none.")]
    bytes: Annotated[int | None, doc("The size of its component; null where it has none.")]
    imports: Annotated[list[str], doc("The interfaces of which its component uses functions.")]
    network: Annotated[list[str], doc("The public hosts that its manifest asks for.")]
    agent_info: Annotated[dict[str, Any] | None, doc("What the agent says of itself (ACP's `agentInfo`).")]
    capabilities: Annotated[dict[str, Any] | None, doc("What the agent says it can do (ACP's `agentCapabilities`).")]
    refusal: Annotated[
        str | None,
        doc("What it has answered to `session/new` in place of a session, for want of a key perhaps; else null."),
    ]


LIST: Final = Method(
    "listAgents",
    ListAgents,
    list[AgentInfo],
    "List the agents that sessions can run.",
    returns="One row an agent.",
)

ADD: Final = Method(
    "addAgent",
    AddAgent,
    AgentInfo,
    "Add an agent for all VMs: it is started once, to see that it is one, and copied to the user's agents.",
    errors=(
        ErrorCode.INVALID_ARGUMENT,
        ErrorCode.NOT_FOUND,
        ErrorCode.EXISTS,
        ErrorCode.TOO_LARGE,
        ErrorCode.LIMIT_EXCEEDED,
        ErrorCode.IO_ERROR,
    ),
)

CHECK: Final = Method(
    "checkAgent",
    CheckAgent,
    AgentCheck,
    "Compile an agent, start it once without any network, and have it open a session, as `addAgent` does; nothing is added.",
    errors=(
        ErrorCode.INVALID_ARGUMENT,
        ErrorCode.NOT_FOUND,
        ErrorCode.TOO_LARGE,
        ErrorCode.IO_ERROR,
    ),
)

REMOVE: Final = Method(
    "removeAgent",
    RemoveAgent,
    dict[str, Any],
    "Remove an agent that was added; sessions that have begun with it keep it until they are suspended.",
    errors=(
        ErrorCode.NOT_FOUND,
        ErrorCode.IO_ERROR,
    ),
)
