"""Bounds that a client can run into, each with its reason. Defaults are in `runtime.api.defaults`."""

from __future__ import annotations

from typing import Final

MAX_INT: Final = 2**53 - 1
"""The largest integer that every JSON library keeps exact (RFC 8259, section 6), and well within SQLite's 64 bits."""

MAX_MILLIS: Final = 7 * 24 * 3600 * 1000
"""Of any time that is given: a week, beyond which nobody waits for an answer."""

# Messages

MAX_LINE: Final = 32 * 1024 * 1024
"""Bytes of one line that a client sends, without its newline: 24 MiB of a file in base64."""

MAX_RESPONSE: Final = 256 * 1024 * 1024
"""Bytes of one answer: several times any transcript or file that is asked for in earnest; JavaScript takes 512 MiB."""

MAX_TYPES: Final = 1000
"""Names of types that a subscription asks for: each event is compared with them, and there are some dozens."""

MAX_METHOD: Final = 256
"""Characters of a method's name that is passed on to an agent: those of ACP have some thirty."""

MAX_PROGRESS_TOKEN: Final = 64
"""Characters of a token that comes back with every notification of progress: a UUID fits."""

# VMs

MAX_GRANTS: Final = 1000
"""Hosts that a VM may reach: each is compared with the host of every request."""

MAX_GRANT: Final = 300
"""Characters of such a host: a name of DNS has 253, and a port comes after it."""

MAX_PATH: Final = 4095
"""Of a path on the daemon's machine or of a mount: what Linux and the tree of a VM resolve, in bytes (PATH_MAX without NUL)."""

MAX_SNAPSHOT_NAME: Final = 256
"""Characters of a snapshot's name: a commit's hash with a branch and a date."""

MIN_MEMORY_BYTES: Final = 1024 * 1024
"""A small C program's stack and data; in less no agent ever starts."""

MAX_TRANSCRIPT_BYTES: Final = 64 * 1024**3
"""The greatest of the bounds on events: what is beyond it takes minutes to read through, and nobody would."""

MAX_SESSIONS: Final = 100_000
"""Of a VM, as of one that is imported: lists of them have to stay answerable."""

MAX_LABELS: Final = 100
"""Of a VM: a label for each thing that somebody sorts VMs by."""

MAX_LABEL: Final = 1024
"""Characters of a label and of its value: a URL fits."""

MAX_MOUNTS: Final = 16
"""Of a VM: a project with the folders that it refers to; each way to a file looks for them."""

# Sessions

MAX_AGENT_TYPE: Final = 256
"""Characters of an agent's id: longer than anybody would type."""

MAX_ENV_BYTES: Final = 1024 * 1024
"""Names and values of `env` and `secrets` together: what Linux allows a program's environment, about."""

MAX_INSTRUCTIONS: Final = 1024 * 1024
"""Characters of `additionalInstructions`: they travel in the environment, and no model reads more."""

MAX_BLOCKS: Final = 1000
"""Content blocks of one prompt: each becomes an event of its own."""

MAX_KEY: Final = 256
"""Characters of an idempotency key: a UUID four times over, and no place to keep data in."""

MAX_TRACESTATE: Final = 512
"""Characters of a trace's state: what W3C's Trace Context has everybody pass on at least (section 3.3.1.5)."""

MAX_BAGGAGE: Final = 8192
"""Characters of a trace's baggage: what W3C's Baggage has everybody pass on at least (section 3.3.2)."""

MAX_RULES: Final = 100
"""Rules of one permission policy: they are tried one by one on every request."""
MAX_RULE_GLOB: Final = 1024
"""Characters of one glob: longer than any path or command that somebody would write into a policy."""
MAX_SECRET_HOSTS: Final = 100
"""Hosts of one secret: each is compared with the host of every request."""

# Files

MAX_FILES: Final = 10_000
"""Files of one call: what a tool that copies a source tree sends in a few calls, and half a second of work."""

MAX_EXCLUDES: Final = 100
"""Each is compared with every entry of the tree."""

MAX_EXCLUDE_GLOB: Final = 4096
"""The longest path."""

# Shells

MAX_SIDE: Final = 65_535
"""Rows or columns of a terminal: programs get them as numbers of 16 bits."""

MAX_SHELL_NAME: Final = 64
"""Characters of a shell's name: the daemon's are shorter, and no other names one."""
