"""Torpor's state: one SQLite file for the files, sessions and transcripts of all VMs. Nobody else sees SQL.

store        all of it, opened
lock         by one process at a time
writer       the thread that writes: many writes, one commit
reading      reads, at once or on a thread
schema       the file opened, and how every connection is set up
migrations   the tables, and how older files become of this version
sql          how statements are called
durability   what a power cut takes
meter        how far something long is
errors       SQLite's errors as the API's

vms          rows of VMs
sessions     rows of sessions
transcript   rows of events
idempotency  earlier answers
sealing      secrets at rest
rotation     a new key for them

changes      trees of files: change sets in, and for reading
files        layers of files
chunks       contents, each once for all VMs
flattening   a chain of layers as one
snapshots    frozen layers
garbage      what nobody needs any more
diffs        what differs between two trees
candidates   where to look for it
forks        VMs and sessions that go on from others

exporting    VMs as files
importing    VMs from files
needs        what an exported VM may need where it goes
foreign      what of a foreign file is looked at
viewing      a file that is read only
tree_check   whether the rows of a layer are a tree
descriptors  a file that has no name yet
inspection   what a start, and `torpor doctor`, ask of a state file
"""

from __future__ import annotations

from runtime.store.changes import FileTrees
from runtime.store.files import LayerFiles
from runtime.store.garbage import Collected
from runtime.store.idempotency import Idempotency, IdempotencyRecord
from runtime.store.sessions import SessionFields, SessionRecord, Sessions, SessionStatus
from runtime.store.snapshots import SnapshotRecord, Snapshots
from runtime.store.store import Store, open_store
from runtime.store.transcript import StoredEvent, Transcript
from runtime.store.vms import VmRecord, Vms, VmState
from runtime.store.writer import Then, Write, Writer

__all__ = [
    "Collected",
    "FileTrees",
    "Idempotency",
    "IdempotencyRecord",
    "LayerFiles",
    "SessionFields",
    "SessionRecord",
    "SessionStatus",
    "Sessions",
    "SnapshotRecord",
    "Snapshots",
    "Store",
    "StoredEvent",
    "Then",
    "Transcript",
    "VmRecord",
    "VmState",
    "Vms",
    "Write",
    "Writer",
    "open_store",
]
