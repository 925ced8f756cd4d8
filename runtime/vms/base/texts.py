"""What the base system has beside commands, as Debian has it: directories, links, and what programs ask of /etc."""

from __future__ import annotations

import hashlib
from typing import Final

from runtime.api.defaults import HOME
from runtime.version import VERSION
from wasi_fs.base import Digest

BIN: Final = "/usr/bin"
"""Where commands are; /bin leads there."""

DIRECTORIES: Final = {
    BIN: 0o755,
    "/usr/lib": 0o755,
    "/usr/local/bin": 0o755,
    "/usr/share": 0o755,
    "/var/tmp": 0o1777,  # noqa: S108 - the VM's, not the host's
}
"""With their modes; those above them are there, too."""

LINKS: Final = {"/bin": "usr/bin"}

_PASSWD: Final = f"""\
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
user:x:1000:1000:user:{HOME}:/bin/sh
"""

_OS_RELEASE: Final = f"""\
NAME="Torpor"
ID=torpor
VERSION_ID="{VERSION}"
PRETTY_NAME="Torpor {VERSION}"
"""


class Text:
    """The content of a short file."""

    def __init__(self, text: str) -> None:
        self._data = text.encode()
        self.size = len(self._data)
        self.digest = Digest(hashlib.sha256(self._data).hexdigest())

    def read(self, offset: int, count: int) -> bytes:
        """As `wasi_fs.base.Content`."""
        return self._data[offset : offset + count]


TEXTS: Final = {
    "/etc/group": Text("root:x:0:\nnogroup:x:65534:\nuser:x:1000:\n"),
    "/etc/hostname": Text("torpor\n"),
    "/etc/hosts": Text("127.0.0.1\tlocalhost\n::1\tlocalhost\n"),
    "/etc/os-release": Text(_OS_RELEASE),
    "/etc/passwd": Text(_PASSWD),
    "/etc/shells": Text("/bin/sh\n"),
}
