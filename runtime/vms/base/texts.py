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

LINKS: Final = {"/bin": "usr/bin", "/etc/mtab": "../proc/mounts"}

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


_TERMCAP: Final = r"""# The ones that xterm's sequences are understood by; TERM is xterm where nobody says otherwise.
xterm|xterm-256color|xterm-color|screen|screen-256color|tmux|tmux-256color|rxvt|linux|ansi|vt100|vt220|xterm and its kin:\
	:am:bs:km:mi:ms:xn:co#80:it#8:li#24:\
	:AL=\E[%dL:DC=\E[%dP:DL=\E[%dM:DO=\E[%dB:IC=\E[%d@:LE=\E[%dD:RI=\E[%dC:UP=\E[%dA:\
	:al=\E[L:bl=^G:bt=\E[Z:cd=\E[J:ce=\E[K:ch=\E[%i%dG:cl=\E[H\E[2J:cm=\E[%i%d;%dH:cr=^M:cs=\E[%i%d;%dr:cv=\E[%i%dd:\
	:dc=\E[P:dl=\E[M:do=^J:ho=\E[H:ic=\E[@:kb=\177:kD=\E[3~:kI=\E[2~:kN=\E[6~:kP=\E[5~:kd=\E[B:kh=\E[H:kl=\E[D:kr=\E[C:ku=\E[A:\
	:le=^H:mb=\E[5m:md=\E[1m:me=\E[m:mh=\E[2m:mr=\E[7m:nd=\E[C:rc=\E8:sc=\E7:se=\E[27m:sf=^J:so=\E[7m:sr=\EM:ta=^I:\
	:te=\E[?1049l:ti=\E[?1049h:ue=\E[24m:up=\E[A:us=\E[4m:ve=\E[?25h:vi=\E[?25l:@7=\E[F:
dumb|unknown|a terminal that only prints:am:co#80:bl=^G:cr=^M:do=^J:sf=^J:
"""

_GITCONFIG: Final = """\
[user]
\tname = user
\temail = user@torpor.invalid
[init]
\tdefaultBranch = main
[safe]
\tdirectory = *
"""
"""One user has all that is in a VM, host directories as well: what their files are owned by says nothing."""


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
    "/etc/gitconfig": Text(_GITCONFIG),
    "/etc/group": Text("root:x:0:\nnogroup:x:65534:\nuser:x:1000:\n"),
    "/etc/hostname": Text("torpor\n"),
    "/etc/hosts": Text("127.0.0.1\tlocalhost\n::1\tlocalhost\n"),
    "/etc/os-release": Text(_OS_RELEASE),
    "/etc/passwd": Text(_PASSWD),
    "/etc/shells": Text("/bin/sh\n"),
    "/etc/termcap": Text(_TERMCAP),
}
