"""VMs as objects for the synchronous client: the parts that are no methods of the API. Needs more than the standard library."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, Protocol

from runtime.client.conversion import converted
from runtime.client.errors import ConnectionLostError
from runtime.client.generated.daemon_sync import VmsMethods
from runtime.client.generated.vm_sync import VmMethods

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runtime.api.turns import PromptResult
    from runtime.client.generated.types import Lack, PermissionPolicy, Secret, VmOptions


class Calls(Protocol):
    """What a handle needs of its client."""

    def call(self, method: str, /, **params: Any) -> Any:
        """Send a request and wait for its result. Raises RpcError, ConnectionLostError."""
        ...


class Vms(VmsMethods):
    """The VMs of a daemon: `client.vm`."""

    def __init__(self, client: Calls) -> None:
        self._client = client

    def _invoke(self, method: str, params: dict[str, Any]) -> Any:
        return self._client.call(method, **params)

    def get_or_create(self, name: str | list[str], options: VmOptions | None = None) -> Vm:
        """Return the VM of this name (or list of parts), created by the first call.

        `options` in the API's own form; RpcError vm_conflict when the VM exists with other ones.
        """
        return Vm(self._client, name, options, create=True)

    def get(self, name: str | list[str]) -> Vm:
        """Return a VM that exists: its calls raise RpcError vm_not_found if it does not."""
        return Vm(self._client, name, None, create=False)

    def import_(self, path: str, name: str | list[str] | None = None, *, trust: bool = False) -> Vm:
        """Make a VM of an exported file on the daemon's machine, and return it: `lacks` tells what it had there and not here.

        Without `trust` it reaches no host until `configure` says so, and asks for secrets again.
        """
        imported = self._client.call("vm.import", path=path, vm=name, trust=trust)
        return Vm(self._client, imported["vm"], None, create=False, lacks=imported.get("lacks", ()))


class Vm(VmMethods):
    """One VM. Events come, after `subscribe`, from `notifications()` of the client."""

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
        self._ready = not create

    def ready(self) -> None:
        """Create the VM, if this object is to create it and has not yet."""
        if not self._ready:
            self.client.call("vm.getOrCreate", vm=self.name, options=self._options)
            self._ready = True

    def call(self, method: str, /, **params: Any) -> Any:
        """Call any method of the API that takes `vm`; the result is as it came."""
        self.ready()
        return self.client.call(method, vm=self.name, **params)

    def run(
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
        """
        session = self.create_session(
            agent_type, env=env, secrets=secrets, cwd=cwd, permission_policy=permission_policy
        )
        try:
            if model is not None:
                self.set_model(session.session_id, model)
            if mode is not None:
                self.set_mode(session.session_id, mode)
            return self.send_prompt(session.session_id, prompt, timeout_ms=timeout_ms)
        finally:
            with suppress(ConnectionLostError):  # the error that led here says it
                self.close_session(session.session_id)

    def _invoke(self, method: str, params: dict[str, Any]) -> Any:
        return converted(method, self.call(method, **params))
