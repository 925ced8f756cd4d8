"""What an agent is, and how its process serves a client."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from torpor_agent.connection import INVALID_PARAMS, METHOD_NOT_FOUND, NOT_FOUND, Connection, Refusal
from torpor_agent.session import Blocks, Session
from torpor_agent.settings import modes_to_wire, options_to_wire
from torpor_agent.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from torpor_agent.settings import Setting

PROTOCOL = 1
"""The version of ACP."""

STATE = Path(".local") / "state" / "torpor_agent"
"""Where sessions are kept, in the home directory."""


class Agent:
    """Derive from it. What is overridden is called; an exception of it is the answer to the client, and told on stderr."""

    name: ClassVar[str] = ""
    """What the agent calls itself; the name of the class where it is empty."""
    title: ClassVar[str] = ""
    version: ClassVar[str] = "0"
    modes: ClassVar[Mapping[str, str]] = {}
    """What the modes are called, by their ids; a session begins in the first."""
    options: ClassVar[Sequence[Setting]] = ()
    """What else a user can set."""
    commands: ClassVar[Mapping[str, str]] = {}
    """What the commands do that a prompt can begin with, by their names without `/`."""
    prompt_capabilities: ClassVar[Mapping[str, bool]] = {"embeddedContext": True}
    """ACP's `promptCapabilities`: `image` and `audio` are for those who take such blocks."""

    async def start(self, session: Session) -> None:
        """A session begins, or is taken up again (`session.resumed`)."""

    async def prompt(self, session: Session, blocks: Blocks) -> str | None:
        """A turn. It returns ACP's stop reason, None for `end_turn`. A turn that is cancelled has a CancelledError."""
        raise NotImplementedError

    async def changed(self, session: Session) -> None:
        """The mode or an option was set."""

    async def end(self, session: Session) -> None:
        """The process is about to end."""


def run(agent: Agent) -> None:
    """Serve the client on standard input and output until it is gone."""
    asyncio.run(_Server(agent, Wire()).run())
    gc.collect()  # what nobody has awaited is told when it goes


class _Server:
    """One process: one agent, one client, one session."""

    def __init__(self, agent: Agent, wire: Wire) -> None:
        self._agent = agent
        self._name = agent.name or type(agent).__name__
        self._connection = Connection(wire, self._serve)
        self._session: Session | None = None
        self._turn: asyncio.Task[str | None] | None = None
        self._is_cancelled = False
        self._with_toggles = False

    async def run(self) -> None:
        """Until the client is gone."""
        asyncio.get_running_loop().set_exception_handler(_tell)
        await self._connection.run()
        if self._session is not None:
            self._session.save()
            await self._agent.end(self._session)

    def _serve(self, method: str, params: dict[str, Any]) -> Awaitable[Any] | None:
        match method:
            case "initialize":
                return self._initialize(params)
            case "session/new":
                return self._open(Session(self._connection, os.urandom(16).hex(), params, Path.home() / STATE))
            case "session/resume":
                return self._resume(params)
            case "session/cancel":
                if self._turn is not None:
                    self._is_cancelled = True
                    self._turn.cancel()
                return None
        session = self._session
        if session is None or params.get("sessionId") != session.id:
            raise Refusal(NOT_FOUND, f"session {params.get('sessionId')!r} not found")
        match method:
            case "session/prompt":
                return self._prompt(session, Blocks(params["prompt"]))
            case "session/set_mode":
                return self._set_mode(session, params["modeId"])
            case "session/set_config_option":
                return self._set_option(session, params["configId"], params["value"])
        raise Refusal(METHOD_NOT_FOUND, f"there is no method {method}")

    async def _initialize(self, params: dict[str, Any]) -> dict[str, Any]:
        of_session = params.get("clientCapabilities", {}).get("session") or {}
        self._with_toggles = (of_session.get("configOptions") or {}).get("boolean") is not None
        agent = self._agent
        return {
            "protocolVersion": PROTOCOL,
            "agentInfo": {"name": self._name, "title": agent.title or self._name, "version": agent.version},
            "agentCapabilities": {
                "promptCapabilities": dict(agent.prompt_capabilities),
                "sessionCapabilities": {"resume": {}},
            },
            "authMethods": [],
        }

    async def _resume(self, params: dict[str, Any]) -> dict[str, Any]:
        session = Session(self._connection, params["sessionId"], params, Path.home() / STATE)
        if not session.restore():
            raise Refusal(NOT_FOUND, f"session {session.id} not found: nothing was kept of it")
        return await self._open(session)

    async def _open(self, session: Session) -> dict[str, Any]:
        agent = self._agent
        session.mode = next(iter(agent.modes), None)
        session.settings = {each.id: each.first for each in agent.options}
        await agent.start(session)
        self._session = session
        if agent.commands:
            commands = [{"name": name, "description": text} for name, text in agent.commands.items()]
            loop = asyncio.get_running_loop()
            send = partial(session.update, "available_commands_update", availableCommands=commands)
            loop.call_soon(loop.call_soon, send)  # after the answer, which is sent in between
        answer: dict[str, Any] = {"sessionId": session.id}
        if agent.modes:
            answer["modes"] = modes_to_wire(agent.modes, session.mode)
        if agent.options:
            answer["configOptions"] = self._options(session)
        return answer

    def _options(self, session: Session) -> list[dict[str, Any]]:
        return options_to_wire(self._agent.options, session.settings, with_toggles=self._with_toggles)

    def _prompt(self, session: Session, blocks: Blocks) -> Awaitable[dict[str, Any]]:
        if self._turn is not None:
            raise Refusal(INVALID_PARAMS, "a turn is in progress")
        self._is_cancelled = False
        turn = self._turn = asyncio.ensure_future(_coroutine(self._agent.prompt(session, blocks)))
        return self._finish(session, turn)

    async def _finish(self, session: Session, turn: asyncio.Task[str | None]) -> dict[str, Any]:
        try:
            await asyncio.wait([turn])
        finally:
            turn.cancel()
            self._turn = None
        session.save()
        if turn.cancelled() or self._is_cancelled:
            if not turn.cancelled() and (error := turn.exception()) is not None:
                traceback.print_exception(error)
            return {"stopReason": "cancelled"}
        return {"stopReason": turn.result() or "end_turn"}

    async def _set_mode(self, session: Session, mode: str) -> dict[str, Any]:
        if mode not in self._agent.modes:
            raise Refusal(INVALID_PARAMS, f"there is no mode {mode!r}: {', '.join(self._agent.modes)}")
        session.mode = mode
        await self._agent.changed(session)
        return {}

    async def _set_option(self, session: Session, name: str, value: Any) -> dict[str, Any]:
        option = next((each for each in self._agent.options if each.id == name), None)
        if option is None:
            raise Refusal(INVALID_PARAMS, f"there is no option {name!r}")
        option.check(value)
        session.settings[name] = value
        await self._agent.changed(session)
        return {"configOptions": self._options(session)}


async def _coroutine(awaitable: Awaitable[str | None]) -> str | None:
    if not inspect.isawaitable(awaitable):
        raise TypeError("`prompt` must be `async def`")
    return await awaitable


def _tell(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """On stderr, of an exception that nobody has awaited."""
    sys.stderr.write(f"{context['message']}\n")
    if (error := context.get("exception")) is not None:
        traceback.print_exception(error)
