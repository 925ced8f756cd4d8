"""The methods that are not of one VM, synchronous.

Written by build/python_clients.py from the daemon's methods (`runtime.api`). Do not edit: run it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime.client.generated.types import AgentInfo, DaemonStatus, RotatedKey, VmInfo


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

    def list_agents(self) -> list[AgentInfo]:
        """List the agents that sessions can run."""
        result: list[AgentInfo] = self._invoke("listAgents", {})
        return result

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
