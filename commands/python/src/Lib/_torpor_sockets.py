"""
Sockets of programs that speak HTTP, where there are none: what is written to one is a request, which the runtime sends, and
what is read from it is the answer. So http.client and what is built on it, urllib3 and others find what they look for.

`socket` has its class and `getaddrinfo` from here; a socket of `ssl` says by `secure` that its request is for https.
"""

import _socket
import errno
import os
import re

import _torpor_http

_NOT_SENT = {"connection", "expect", "host", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"}
"""Headers that are the runtime's."""

_HEAD_LIMIT = 1024 * 1024
"""Bytes of a request before its body: sixteen times what the runtime takes."""

_ERRORS = {
    **dict.fromkeys((0, 8, 9, 10, 33, 41), (TimeoutError, errno.ETIMEDOUT)),
    **dict.fromkeys((1, 2), (_socket.gaierror, _socket.EAI_NONAME)),
    6: (ConnectionRefusedError, errno.ECONNREFUSED),
    **dict.fromkeys((7, 25), (ConnectionResetError, errno.ECONNRESET)),
    **dict.fromkeys((4, 15), (PermissionError, errno.EACCES)),
}
"""What the numbers of torpor/http.h are in Python; those of TLS apart."""

_CERTIFICATE = 13
_TLS = {12, _CERTIFICATE, 14}


def _error(error):
    number, message = error.args
    if number in _TLS:
        import ssl  # noqa: PLC0415 - which imports `socket`, and that this

        return (ssl.SSLCertVerificationError if number == _CERTIFICATE else ssl.SSLError)(errno.EPROTO, message)
    kind, code = _ERRORS.get(number, (OSError, errno.EIO))
    return kind(code, message)


class _Request:
    """What has been written of a request: its head, then its body."""

    def __init__(self, secure, host, port):
        self._secure, self._host, self._port = secure, host, port
        self._data = bytearray()
        self._left = 0  # of the body, or of a chunk with its line end
        self._chunked = False
        self.exchange = None

    def take(self, data, timeout):
        self._data += data
        if self.exchange is None and not self._open():
            return
        while self._data:
            if self._chunked and not self._left and not self._next_chunk():
                return
            if not self._left:
                raise OSError(errno.EPIPE, "more was written than the request's body")
            piece = bytes(self._data[: self._left])
            del self._data[: len(piece)]
            self._left -= len(piece)
            line_end = max(0, 2 - self._left) if self._chunked else 0
            self.exchange.write(piece[: len(piece) - line_end] if line_end else piece, timeout)

    def _next_chunk(self):
        end = self._data.find(b"\r\n")
        if end < 0:
            return False
        size = int(self._data[:end].split(b";")[0], 16)
        if not size:  # the end; trailers are nothing that could be sent
            self._data.clear()
            self._chunked = False
            return False
        del self._data[: end + 2]
        self._left = size + 2
        return True

    def _open(self):
        end = self._data.find(b"\r\n\r\n")
        if end < 0:
            if len(self._data) > _HEAD_LIMIT:
                raise OSError(errno.EMSGSIZE, "the head of a request is too large")
            return False
        first, *lines = self._data[:end].decode("latin-1").split("\r\n")
        del self._data[: end + 4]
        if (match := re.fullmatch(r"(\S+) (\S+) HTTP/1\.[01]", first)) is None:
            raise OSError(errno.EPROTONOSUPPORT, "a VM's network is for HTTP/1.1, and this is none")
        headers = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        asked = {name.lower(): value for name, value in headers}
        if match[1] == "CONNECT" or "upgrade" in asked.get("connection", "").lower():
            raise OSError(errno.EPROTONOSUPPORT, "a VM's network is for HTTP requests: neither proxies nor WebSockets")
        self._chunked = "chunked" in asked.get("transfer-encoding", "").lower()
        self._left = 0 if self._chunked else int(asked.get("content-length", "0"))
        target = match[2]
        if target.lower().startswith(("http://", "https://")):
            url = target
        else:
            host = f"[{self._host}]" if ":" in self._host else self._host
            url = f"{'https' if self._secure else 'http'}://{host}:{self._port}{target}"
        given = [(name, value) for name, value in headers if name.lower() not in _NOT_SENT]
        self.exchange = _torpor_http.open(match[1], url, given, self._chunked or "content-length" in asked)
        return True


class HttpSocket:
    """What a socket does here; the class of `socket` is one of this and of its own."""

    secure = False

    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):
        if (
            fileno is not None
            or family not in (-1, _socket.AF_INET, _socket.AF_INET6)
            or type not in (-1, _socket.SOCK_STREAM)
        ):
            super().__init__(family, type, proto, fileno)  # which fails
        self.begin(None, _socket.getdefaulttimeout())

    def begin(self, peer, timeout):
        self._io_refs = 0
        self._closed = False
        self.peer, self._limit = peer, timeout
        self._request, self._head, self._failure = None, None, None

    def __repr__(self):
        return f"<socket for HTTP, peer={self.peer}>"

    family = property(lambda _: _socket.AF_INET)
    type = property(lambda _: _socket.SOCK_STREAM)
    proto = property(lambda _: _socket.IPPROTO_TCP)
    timeout = property(lambda self: self._limit)

    def settimeout(self, value):
        self._limit = value

    def gettimeout(self):
        return self._limit

    def setblocking(self, flag):
        if not flag:
            raise OSError(
                errno.ENOSYS, "a VM's network is for HTTP that is waited for: no socket of it is non-blocking"
            )
        self._limit = None

    def getblocking(self):
        return True

    def setsockopt(self, *_):
        pass

    def getsockopt(self, *_):
        return 0

    def connect(self, address):
        self.peer = address[0], address[1]

    def connect_ex(self, address):
        self.connect(address)
        return 0

    def getpeername(self):
        if self.peer is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return self.peer

    def getsockname(self):
        return "127.0.0.1", 0

    def fileno(self):
        return -1

    def send(self, data, flags=0):
        if self.peer is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        data = memoryview(data).cast("B")
        if self._request is None:
            self._request = _Request(self.secure, *self.peer)
        try:
            self._request.take(data, self._limit)
        except _torpor_http.Error as error:
            if self._request.exchange is None:
                self._failure = _error(error)
                raise self._failure from None
            # The answer says why nothing more is read.
        return len(data)

    def sendall(self, data, flags=0):
        self.send(data)

    def _exchange(self):
        exchange = None if self._request is None else self._request.exchange
        if self._failure is not None:  # who writes may look for an answer all the same
            raise self._failure
        if exchange is None:
            raise OSError(errno.ENOTCONN, "nothing was asked: on such a socket the client speaks first")
        return exchange

    def recv(self, size, flags=0):
        exchange = self._exchange()
        try:
            if self._head is None:
                self._head = self._answer(exchange)
            if self._head:
                piece, self._head = self._head[:size], self._head[size:]
                return piece
            return exchange.read(size, self._limit)
        except _torpor_http.Error as error:
            raise _error(error) from None

    def _answer(self, exchange):
        status = exchange.status(self._limit)
        lines = [f"HTTP/1.1 {status} "]
        lines += [f"{name}: {value}" for name, value in exchange.headers()]
        # The runtime keeps connections; here each is for one request.
        return "\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1")

    def recv_into(self, buffer, nbytes=0, flags=0):
        view = memoryview(buffer).cast("B")
        data = self.recv(nbytes or len(view))
        view[: len(data)] = data
        return len(data)

    def shutdown(self, how):
        pass

    def bind(self, address):
        raise OSError(errno.ENOSYS, "a VM's network is for requests: nothing in it can be a server")

    listen = accept = bind

    def detach(self):
        raise OSError(errno.ENOSYS, "such a socket has no descriptor")

    def dup(self):
        return self.detach()

    def _real_close(self, *_):
        if self._request is not None and self._request.exchange is not None:
            self._request.exchange.close()


def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
    """The name itself: the runtime looks it up when a request is made, and says then what is wrong with it."""
    if host is None or flags & _socket.AI_PASSIVE or type not in (0, _socket.SOCK_STREAM):
        raise _socket.gaierror(_socket.EAI_FAIL, "There are no sockets here")
    host = host.decode("idna") if isinstance(host, bytes) else host.encode("idna").decode()
    number = {"http": 80, "https": 443}.get(port) if isinstance(port, str) and not port.isdigit() else int(port or 0)
    return [(_socket.AF_INET, _socket.SOCK_STREAM, _socket.IPPROTO_TCP, "", (host, number))]
