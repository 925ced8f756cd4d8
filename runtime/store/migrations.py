"""The schema of the state file, as the steps that lead to it.

Step n takes a file from `user_version` n to n + 1; a new file takes them all. A step that was released is never edited.

Times are epoch milliseconds (`created_at`, `updated_at`), but for those of files, which are nanoseconds (`*_ns`).
Every table is STRICT. Those whose key is not one integer are WITHOUT ROWID, so that the key is the table and is not kept
twice. Each index beyond the keys names the question that it answers; a foreign key's child side needs one, because
deleting the parent looks there. AUTOINCREMENT where a number may be remembered longer than its row lives: a late write to a
session that was destroyed must not find another one in its place.
"""

from __future__ import annotations

from typing import Final

_VMS: Final = """
-- A node of the filesystem's history. A VM writes to its own unfrozen layer, and sees its ancestors through it. A child's
-- id is greater than its parent's, so that of several rows for one thing the visible one is that of the greatest layer.
CREATE TABLE layer (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    parent INTEGER REFERENCES layer (id) CHECK (parent < id),
    frozen INTEGER NOT NULL DEFAULT 0 CHECK (frozen IN (0, 1)),
    next_ino INTEGER NOT NULL,
    -- Of the whole tree as seen from this layer: content before compression, and names.
    bytes INTEGER NOT NULL,
    entries INTEGER NOT NULL
) STRICT;
-- "Has this layer children?", which garbage collection asks of each loose one.
CREATE INDEX layer_parent ON layer (parent);

CREATE TABLE vm (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    options TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('awake', 'asleep')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- UNIQUE: two VMs that wrote to one layer would see each other's files.
    layer INTEGER NOT NULL UNIQUE REFERENCES layer (id)
) STRICT;
"""

_FILES: Final = """
-- Content, shared by all VMs. `hash` is its BLAKE2b-256. `data` is one zstd frame or, where that would be no shorter, the
-- content itself, which length (data) = size tells.
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;

-- A row hides the one of the same ino in the ancestors; type 0 (a whiteout) says that the file is gone in this layer.
CREATE TABLE inode (
    layer INTEGER NOT NULL REFERENCES layer (id) ON DELETE CASCADE,
    ino INTEGER NOT NULL,
    type INTEGER NOT NULL,
    mode INTEGER NOT NULL,
    nlink INTEGER NOT NULL,
    size INTEGER NOT NULL,
    allocated INTEGER NOT NULL,
    atime_ns INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    parent INTEGER NOT NULL,
    target TEXT,
    read_only INTEGER NOT NULL CHECK (read_only IN (0, 1)),
    PRIMARY KEY (layer, ino)
) WITHOUT ROWID, STRICT;
-- "Which files were unlinked, but open, when this tree was last committed?": asked at each wake, nearly always empty.
CREATE INDEX inode_orphan ON inode (layer, ino) WHERE nlink = 0 AND type <> 0;

-- A row hides the one of the same name in the ancestors; ino NULL (a whiteout) says that the name is gone in this layer.
CREATE TABLE dentry (
    layer INTEGER NOT NULL REFERENCES layer (id) ON DELETE CASCADE,
    dir INTEGER NOT NULL,
    name TEXT NOT NULL,
    ino INTEGER,
    type INTEGER,
    PRIMARY KEY (layer, dir, name)
) WITHOUT ROWID, STRICT;

-- A row hides the one of the same position in the ancestors; chunk NULL is a hole.
CREATE TABLE extent (
    layer INTEGER NOT NULL REFERENCES layer (id) ON DELETE CASCADE,
    ino INTEGER NOT NULL,
    position INTEGER NOT NULL,
    chunk INTEGER REFERENCES chunk (id),
    PRIMARY KEY (layer, ino, position)
) WITHOUT ROWID, STRICT;
-- "Is this chunk still used?", which garbage collection asks of each loose one. Holes need no entry.
CREATE INDEX extent_chunk ON extent (chunk) WHERE chunk IS NOT NULL;

-- Chunks that an extent has let go of: only these can be garbage, so that a collection need not look at all content.
-- (No OR IGNORE in triggers: the conflict policy of the statement that fires one would override it.)
CREATE TABLE loose_chunk (chunk INTEGER PRIMARY KEY) STRICT;
CREATE TRIGGER extent_deleted AFTER DELETE ON extent WHEN OLD.chunk IS NOT NULL
BEGIN
    INSERT INTO loose_chunk (chunk) SELECT OLD.chunk WHERE NOT EXISTS (SELECT 1 FROM loose_chunk WHERE chunk = OLD.chunk);
END;
CREATE TRIGGER extent_replaced AFTER UPDATE OF chunk ON extent
WHEN OLD.chunk IS NOT NULL AND OLD.chunk IS NOT NEW.chunk
BEGIN
    INSERT INTO loose_chunk (chunk) SELECT OLD.chunk WHERE NOT EXISTS (SELECT 1 FROM loose_chunk WHERE chunk = OLD.chunk);
END;
"""

_SESSIONS: Final = """
CREATE TABLE session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    vm INTEGER NOT NULL REFERENCES vm (id) ON DELETE CASCADE,
    session_id TEXT NOT NULL,
    agent_type TEXT NOT NULL,
    options TEXT NOT NULL,
    env_names TEXT NOT NULL,
    env_sealed BLOB,
    agent_session_id TEXT,
    status TEXT NOT NULL CHECK (status IN ('running', 'idle', 'suspended', 'closed')),
    capabilities TEXT,
    agent_info TEXT,
    modes TEXT,
    config_options TEXT,
    cwd TEXT NOT NULL,
    title TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- Also the index of "the sessions of this VM".
    UNIQUE (vm, session_id)
) STRICT;

CREATE TABLE event (
    session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL CHECK (seq >= 0),
    created_at INTEGER NOT NULL,
    type TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (session, seq)
) WITHOUT ROWID, STRICT;
-- No gaps, whatever fails: after an event that could not be stored, its successors cannot be either.
CREATE TRIGGER event_contiguous BEFORE INSERT ON event
WHEN NEW.seq > 0 AND NOT EXISTS (SELECT 1 FROM event WHERE session = NEW.session AND seq = NEW.seq - 1)
BEGIN
    SELECT RAISE (ABORT, 'an event must follow its predecessor');
END;

CREATE TABLE idempotency (
    session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    content_hash BLOB NOT NULL,
    result TEXT,
    PRIMARY KEY (session, key)
) WITHOUT ROWID, STRICT;

CREATE TABLE permission (
    session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    permission_id TEXT NOT NULL,
    request TEXT NOT NULL,
    outcome TEXT,
    created_at INTEGER NOT NULL,
    resolved_at INTEGER,
    PRIMARY KEY (session, permission_id)
) WITHOUT ROWID, STRICT;

CREATE TABLE snapshot (
    id INTEGER PRIMARY KEY,
    vm INTEGER NOT NULL REFERENCES vm (id) ON DELETE CASCADE,
    layer INTEGER NOT NULL REFERENCES layer (id),
    session INTEGER REFERENCES session (id) ON DELETE CASCADE,
    seq INTEGER,
    label TEXT,
    created_at INTEGER NOT NULL
) STRICT;
-- "The snapshots of this VM", and the cascade from it.
CREATE INDEX snapshot_vm ON snapshot (vm);
-- "Does a snapshot keep this layer?", which garbage collection asks of each loose one.
CREATE INDEX snapshot_layer ON snapshot (layer);
-- "The last snapshot before this event", and the cascade from the session.
CREATE INDEX snapshot_session ON snapshot (session, seq);

-- Layers that a VM, a snapshot or a child has let go of: only these can be garbage.
CREATE TABLE loose_layer (layer INTEGER PRIMARY KEY) STRICT;
CREATE TRIGGER vm_deleted AFTER DELETE ON vm
BEGIN
    INSERT INTO loose_layer (layer) SELECT OLD.layer WHERE NOT EXISTS (SELECT 1 FROM loose_layer WHERE layer = OLD.layer);
END;
CREATE TRIGGER vm_moved AFTER UPDATE OF layer ON vm
BEGIN
    INSERT INTO loose_layer (layer) SELECT OLD.layer WHERE NOT EXISTS (SELECT 1 FROM loose_layer WHERE layer = OLD.layer);
END;
CREATE TRIGGER snapshot_deleted AFTER DELETE ON snapshot
BEGIN
    INSERT INTO loose_layer (layer) SELECT OLD.layer WHERE NOT EXISTS (SELECT 1 FROM loose_layer WHERE layer = OLD.layer);
END;
CREATE TRIGGER layer_deleted AFTER DELETE ON layer WHEN OLD.parent IS NOT NULL
BEGIN
    INSERT INTO loose_layer (layer) SELECT OLD.parent WHERE NOT EXISTS (SELECT 1 FROM loose_layer WHERE layer = OLD.parent);
END;

CREATE TABLE cron (
    vm INTEGER NOT NULL REFERENCES vm (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    schedule TEXT NOT NULL,
    payload TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (vm, name)
) WITHOUT ROWID, STRICT;
"""

_USAGE: Final = """
-- What the agent has told of tokens and cost, in the transaction of the event that told it. NULL: nothing has changed since
-- the file had no such column; the transcript knows.
ALTER TABLE session ADD COLUMN usage TEXT;
"""

_EVENT_BYTES: Final = """
-- The bytes of the session's events up to `counted_seq`, so that nobody has to read them all to know how many there are. It is
-- written with the events that begin and end turns; what came later is counted when it is asked for.
ALTER TABLE session ADD COLUMN event_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN counted_seq INTEGER NOT NULL DEFAULT -1;
"""

MIGRATIONS: Final = (_VMS + _FILES + _SESSIONS, _USAGE, _EVENT_BYTES)
"""The steps in order; a file's `user_version` is the number of those it has taken."""
