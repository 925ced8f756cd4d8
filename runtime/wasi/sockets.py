"""wasi:sockets: present, so that components which import it link, and denied (WASI 0.2).

No socket can be created, so the methods of sockets are only there to be linked; each answers `access-denied` all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from runtime.engine import HostInterface, Resource, WitError
from runtime.wasi.streams import InputStream, OutputStream, Pollable

if TYPE_CHECKING:
    from runtime.wasi.state import WasiState


class Network(Resource):
    """The network as a capability; it opens nothing."""


class Socket(Resource):
    """What cannot be created."""


class TcpSocket(Socket):
    """A TCP socket."""


class UdpSocket(Socket):
    """A UDP socket."""


class IncomingDatagrams(Socket):
    """A UDP socket's receiving side."""


class OutgoingDatagrams(Socket):
    """A UDP socket's sending side."""


class ResolveAddressStream(Resource):
    """The answers of a name lookup."""


_TCP_METHODS: Final = (
    "start-bind finish-bind start-connect finish-connect start-listen finish-listen accept local-address "
    "remote-address is-listening address-family set-listen-backlog-size keep-alive-enabled set-keep-alive-enabled "
    "keep-alive-idle-time set-keep-alive-idle-time keep-alive-interval set-keep-alive-interval keep-alive-count "
    "set-keep-alive-count hop-limit set-hop-limit receive-buffer-size set-receive-buffer-size send-buffer-size "
    "set-send-buffer-size subscribe shutdown"
)
_UDP_METHODS: Final = (
    "start-bind finish-bind stream local-address remote-address address-family unicast-hop-limit "
    "set-unicast-hop-limit receive-buffer-size set-receive-buffer-size send-buffer-size set-send-buffer-size subscribe"
)


def _denied(_state: WasiState, *_arguments: Any) -> NoReturn:
    raise WitError("access-denied")


network = HostInterface("wasi:sockets/network")
instance_network = HostInterface("wasi:sockets/instance-network")
ip_name_lookup = HostInterface("wasi:sockets/ip-name-lookup")
tcp = HostInterface("wasi:sockets/tcp")
tcp_create_socket = HostInterface("wasi:sockets/tcp-create-socket")
udp = HostInterface("wasi:sockets/udp")
udp_create_socket = HostInterface("wasi:sockets/udp-create-socket")

INTERFACES: Final = (network, instance_network, ip_name_lookup, tcp, tcp_create_socket, udp, udp_create_socket)

_RESOURCES: Final[dict[str, type[Resource]]] = {
    "network": Network,
    "tcp-socket": TcpSocket,
    "udp-socket": UdpSocket,
    "incoming-datagram-stream": IncomingDatagrams,
    "outgoing-datagram-stream": OutgoingDatagrams,
    "resolve-address-stream": ResolveAddressStream,
    "input-stream": InputStream,
    "output-stream": OutputStream,
    "pollable": Pollable,
}
for _interface in INTERFACES:
    for _name, _class in _RESOURCES.items():
        _interface.resource(_name, _class)

for _method in _TCP_METHODS.split():
    tcp.function(f"[method]tcp-socket.{_method}")(_denied)
for _method in _UDP_METHODS.split():
    udp.function(f"[method]udp-socket.{_method}")(_denied)
for _method in ("receive", "subscribe"):
    udp.function(f"[method]incoming-datagram-stream.{_method}")(_denied)
for _method in ("check-send", "send", "subscribe"):
    udp.function(f"[method]outgoing-datagram-stream.{_method}")(_denied)
for _method in ("resolve-next-address", "subscribe"):
    ip_name_lookup.function(f"[method]resolve-address-stream.{_method}")(_denied)
ip_name_lookup.function("resolve-addresses")(_denied)
tcp_create_socket.function("create-tcp-socket")(_denied)
udp_create_socket.function("create-udp-socket")(_denied)


@instance_network.function("instance-network")
def get_instance_network(_state: WasiState) -> Network:
    """A network that lets nothing through."""
    return Network()


@network.function("network-error-code")
def network_error_code(_state: WasiState, _error: object) -> None:
    """No stream error comes from a socket."""
    return
