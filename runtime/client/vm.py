"""A VM as an object: the methods of the API under Python's names, ids first, options by keyword.

Times that are given are in milliseconds, as in the API. All methods raise RpcError (match on its `code`) and
ConnectionLostError. They are generated (`runtime.client.generated.vm`); here is what is no method.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, Self

import anyio

from runtime.client.conversion import converted
from runtime.client.errors import ConnectionLostError
from runtime.client.generated.daemon import VmsMethods
from runtime.client.generated.vm import VmMethods
from runtime.client.subscription import Links, Subscription

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

    from runtime.api.turns import PromptResult
    from runtime.client.generated.types import Lack, PermissionPolicy, Secret, VmOptions

RUN_CLOSE_SECONDS: Final = 10.0
"""For the session of a `run` to close, which a cancellation waits for: an agent has half of it to end its turn."""


class Calls(Links, Protocol):
    """What a handle needs of its client."""

    async def call(self, method: str, /, **params: Any) -> Any:
        """Call any method of the API; params that are None are left out. Raises RpcError, ConnectionLostError."""
        ...


class Vms(VmsMethods):
    """The VMs of a daemon: `client.vm`."""

    def __init__(self, client: Calls) -> None:
        self._client = client

    async def _invoke(self, method: str, params: dict[str, Any]) -> Any:
        return await self._client.call(method, **params)

    def get_or_create(self, name: str | list[str], options: VmOptions | None = None) -> Vm:
        """Return the VM of this name (or list of parts), created by the first call; `await` it to create it at once.

        `options` in the API's own form; RpcError vm_conflict when the VM exists with other ones.
        """
        return Vm(self._client, name, options, create=True)

    def get(self, name: str | list[str]) -> Vm:
        """Return a VM that exists: `await` it to find out (RpcError vm_not_found)."""
        return Vm(self._client, name, None, create=False)

    async def import_(self, path: str, name: str | list[str] | None = None, *, trust: bool = False) -> Vm:
        """Make a VM of an exported file on the daemon's machine, and return it: `lacks` tells what it had there and not here.

        Without `trust` it reaches no host until `configure` says so, and asks for secrets again.
        """
        imported = await self._client.call("vm.import", path=path, vm=name, trust=trust)
        return Vm(self._client, imported["vm"], None, create=False, lacks=imported.get("lacks", ()))


class Vm(VmMethods):
    """One VM. Handles are cheap, and any number may be had of one VM."""

    def __init__(
        self,
        client: Calls,
        name: str | list[str],
        options: VmOptions | None,
        *,
        create: bool,
        lacks: Sequence[Lack] = (),
    ) -> None:
        self.client = client
        self.name = name
        self.lacks = lacks
        """Agents and commands that it had where it was exported, and has not here, or other ones: where `import_` made it."""
        self._options = options
        self._create = create
        self._ready = not create

    def __await__(self) -> Generator[Any, Any, Self]:
        return self._found().__await__()

    async def _found(self) -> Self:
        await (self.ready() if self._create else self.get())
        return self

    async def ready(self) -> None:
        """Create the VM, if this object is to create it and has not yet."""
        if not self._ready:
            await self.client.call("vm.getOrCreate", vm=self.name, options=self._options)
            self._ready = True

    async def call(self, method: str, /, **params: Any) -> Any:
        """Call any method of the API that takes `vm`; the result is as it came."""
        await self.ready()
        return await self.client.call(method, vm=self.name, **params)

    async def run(
        self,
        agent_type: str,
        prompt: str | list[dict[str, Any]],
        *,
        env: Mapping[str, str] | None = None,
        secrets: Mapping[str, str | Secret] | None = None,
        cwd: str | None = None,
        model: str | None = None,
        mode: str | None = None,
        permission_policy: Literal["allow", "deny"] | PermissionPolicy = "deny",
        timeout_ms: int | None = None,
    ) -> PromptResult:
        """Have an agent answer one prompt, in a session of its own that is closed then and stays in the VM's history.

        Nobody is there to be asked: what the agent wants a permission for is refused unless `permission_policy` allows it.
        The other options are those of `create_session`, `set_model`, `set_mode` and `send_prompt`. Raises RpcError.
        Cancelling it closes the session, too, which ends the turn.
        """
        session = await self.create_session(
            agent_type, env=env, secrets=secrets, cwd=cwd, permission_policy=permission_policy
        )
        try:
            if model is not None:
                await self.set_model(session.session_id, model)
            if mode is not None:
                await self.set_mode(session.session_id, mode)
            return await self.send_prompt(session.session_id, prompt, timeout_ms=timeout_ms)
        finally:
            with anyio.move_on_after(RUN_CLOSE_SECONDS, shield=True):  # a turn that nobody waits for is not to go on
                with suppress(ConnectionLostError):  # the error that led here says it
                    await self.close_session(session.session_id)

    async def _invoke(self, method: str, params: dict[str, Any]) -> Any:
        return converted(method, await self.call(method, **params))

    def connect(
        self, session_id: str | None = None, *, after: int | None = None, types: Iterable[str] | None = None
    ) -> Subscription:
        """Hear the VM, or one session, inside `async with`; `after` replays that session from after this `seq` (-1: all).

        `types` are events' types (`agent_message_chunk`) and notifications' methods (`permissionRequest`).
        """
        if after is not None and session_id is None:
            raise ValueError("a replay is of one session")
        return Subscription(self.client, self.name, self.ready, session_id, after, types)
