"""The methods that are not of one VM, synchronous.

Written by build/python_clients.py from the daemon's methods (`runtime.api`). Do not edit: run it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime.client.generated.types import AgentCheck, AgentInfo, CommandOfBase, DaemonStatus, RotatedKey, VmInfo


class DaemonMethods:
    """The API's methods on the daemon; `Client` is what users hold."""

    def _invoke(self, method: str, params: dict[str, Any]) -> Any:
        """Call a method of the API."""
        raise NotImplementedError

    def status(self) -> DaemonStatus:
        """Tell about the daemon: process, connections, VMs."""
        result: DaemonStatus = self._invoke("daemon.status", {})
        return result

    def rotate_key(self) -> RotatedKey:
        """Make a new key for the environments of all sessions, and seal them with it: all or none.

        Raises:
            RpcError: `io_error`.
        """
        result: RotatedKey = self._invoke("daemon.rotateKey", {})
        return result

    def unsubscribe(self, subscription_id: str) -> None:
        """End a subscription of this connection.

        Args:
            subscription_id: The subscription, as `subscribe` answered it; it is of this connection only.

        Raises:
            RpcError: `not_found`.
        """
        self._invoke("unsubscribe", {"subscriptionId": subscription_id})

    def respond_file(
        self, subscription_id: str, request_id: str, *, content: str | None = None, error: str | None = None
    ) -> None:
        """Answer a `fileRequest`.

        Args:
            subscription_id: As `fileRequest` has it.
            request_id: As `fileRequest` has it.
            content: The text that was to be read.
            error: Why it was not done. What was to be read is read from the mount then.

        Raises:
            RpcError: `not_found`, `too_large`.
        """
        self._invoke(
            "respondFile",
            {"subscriptionId": subscription_id, "requestId": request_id, "content": content, "error": error},
        )

    def list_agents(self) -> list[AgentInfo]:
        """List the agents that sessions can run."""
        result: list[AgentInfo] = self._invoke("listAgents", {})
        return result

    def add_agent(self, path: str, *, name: str | None = None) -> AgentInfo:
        """Add an agent for all VMs: it is started once, to see that it is one, and copied to the user's agents.

        Args:
            path: A component, or a folder with an agent.toml: an absolute path on the daemon's machine. It is
                copied; the folder of an agent without a build stays where it is, and the agent with it.
            name: The agent's id; that of the manifest, or the file's name without `.wasm`, when left out. An
                agent without a build has no other one than its manifest's.

        Raises:
            RpcError: `invalid_argument`, `not_found`, `exists`, `too_large`, `limit_exceeded`, `io_error`.
        """
        result: AgentInfo = self._invoke("addAgent", {"path": path, "name": name})
        return result

    def check_agent(self, path: str) -> AgentCheck:
        """Compile an agent, start it once without any network, and have it open a session, as `add_agent` does;
        nothing is added.

        Args:
            path: A component, or a folder with an agent.toml: an absolute path on the daemon's machine.

        Raises:
            RpcError: `invalid_argument`, `not_found`, `too_large`, `io_error`.
        """
        result: AgentCheck = self._invoke("checkAgent", {"path": path})
        return result

    def remove_agent(self, name: str) -> None:
        """Remove an agent that was added; sessions that have begun with it keep it until they are suspended.

        Args:
            name: The agent's id.

        Raises:
            RpcError: `not_found`, `io_error`.
        """
        self._invoke("removeAgent", {"name": name})

    def add_command(self, path: str, *, name: str | None = None) -> CommandOfBase:
        """Add a command to the base system of all VMs: a component that can run, which is compiled before it can
        be seen.

        Args:
            path: The component: an absolute path on the daemon's machine. It is copied.
            name: The command's name; that of the file, without `.wasm`, when left out. One of that name is
                replaced.

        Raises:
            RpcError: `invalid_argument`, `not_found`, `too_large`, `limit_exceeded`, `io_error`.
        """
        result: CommandOfBase = self._invoke("addCommand", {"path": path, "name": name})
        return result

    def list_commands(self) -> list[CommandOfBase]:
        """List the commands of the base system."""
        result: list[CommandOfBase] = self._invoke("listCommands", {})
        return result

    def remove_command(self, name: str) -> None:
        """Remove a command that was added; one of that name that comes with Torpor is there again.

        Args:
            name: The command's name.

        Raises:
            RpcError: `not_found`, `io_error`.
        """
        self._invoke("removeCommand", {"name": name})

    def discover(self) -> dict[str, Any]:
        """Return this API as an OpenRPC document."""
        result: dict[str, Any] = self._invoke("rpc.discover", {})
        return result


class VmsMethods:
    """The API's methods on all VMs; `client.vm` is what users hold."""

    def _invoke(self, method: str, params: dict[str, Any]) -> Any:
        """Call a method of the API."""
        raise NotImplementedError

    def list(self) -> list[VmInfo]:
        """Describe all VMs; wakes none."""
        result: list[VmInfo] = self._invoke("vm.list", {})
        return result
