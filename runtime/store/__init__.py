"""Torpor's state: one SQLite file for the files, sessions and transcripts of all VMs. Nobody else sees SQL."""

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
