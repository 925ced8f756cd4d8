"""Torpor's state: one SQLite file for the files, sessions and transcripts of all VMs. Nobody else sees SQL.

store         all of it, opened; lock: by one process at a time
writer        the thread that writes: many writes, one commit
reading       reads, at once or on a thread
schema, migrations, sql               the tables, and how older files become of this version
durability, meter                     what a power cut takes; how far something long is
vms, sessions, transcript, idempotency      rows of VMs, sessions, events, earlier answers
changes       trees of files: change sets in, and for reading
files, chunks                         one layer of files; contents, each once for all VMs
flattening, tree_check                a chain of layers as one; whether the rows of a layer are a tree
snapshots, garbage                    frozen layers; what nobody needs any more
diffs, candidates                     what differs between two trees, and where to look for it
forks         VMs and sessions that go on from others
exporting, importing, foreign         VMs as files, and what of a foreign file is looked at
sealing, rotation                     secrets at rest, and a new key for them
inspection    what a start, and `torpor doctor`, ask of a state file
descriptors   a file that has no name yet
errors        SQLite's errors as the API's
"""

from __future__ import annotations

from runtime.store.changes import Files
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
    "Files",
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
