"""Whether the rows of one layer are a tree: checks that guests' own writes always pass, for rows that came from elsewhere."""

# ruff: noqa: ISC004, S608  # pairs of a fault and its query; what goes into these are constants

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runtime.store.foreign import damaged
from runtime.store.sql import rows
from wasi_fs.backend import CHUNK_SIZE, ROOT_INO, FileType, Usage

if TYPE_CHECKING:
    import apsw

_DIR: Final = int(FileType.DIRECTORY)
_FILE: Final = int(FileType.REGULAR)

_FAULTS: Final = (
    (
        "it has no root directory",
        f"SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM inode WHERE layer = ?1 AND ino = {ROOT_INO} AND type = {_DIR} "
        f"AND parent = {ROOT_INO})",
    ),
    (
        "a name stands for nothing, or not for what it says, or not in a directory",
        "SELECT 1 FROM dentry AS d LEFT JOIN inode AS c ON c.layer = ?1 AND c.ino = d.ino "
        "LEFT JOIN inode AS p ON p.layer = ?1 AND p.ino = d.dir "
        f"WHERE d.layer = ?1 AND (c.type IS NOT d.type OR p.type IS NOT {_DIR} OR d.ino = {ROOT_INO})",
    ),
    (
        "a directory is not in its parent",
        "SELECT 1 FROM dentry AS d JOIN inode AS c ON c.layer = ?1 AND c.ino = d.ino "
        f"WHERE d.layer = ?1 AND d.type = {_DIR} AND c.parent <> d.dir",
    ),
    (
        "the number of an inode's links is wrong",
        "WITH names (ino, number) AS (SELECT ino, count (*) FROM dentry WHERE layer = ?1 GROUP BY ino), "
        f"subs (ino, number) AS (SELECT dir, count (*) FROM dentry WHERE layer = ?1 AND type = {_DIR} GROUP BY dir), "
        "held (ino, number) AS (SELECT dir, count (*) FROM dentry WHERE layer = ?1 GROUP BY dir) "
        "SELECT 1 FROM inode AS i LEFT JOIN names AS n ON n.ino = i.ino LEFT JOIN subs AS s ON s.ino = i.ino "
        "LEFT JOIN held AS h ON h.ino = i.ino WHERE i.layer = ?1 AND CASE "
        f"WHEN i.type = {_DIR} THEN i.nlink <> 2 + ifnull (s.number, 0) OR i.size <> ifnull (h.number, 0) "
        f"OR (i.ino <> {ROOT_INO} AND n.number IS NOT 1) ELSE n.number IS NOT i.nlink END",
    ),
    (
        # Each directory but the root has one name, so that what the root does not reach is a ring.
        "its directories are in one another",
        f"WITH RECURSIVE reached (ino) AS (SELECT {ROOT_INO} UNION SELECT d.ino FROM reached CROSS JOIN dentry AS d "
        f"ON d.layer = ?1 AND d.dir = reached.ino AND d.type = {_DIR}) "
        f"SELECT 1 FROM inode WHERE layer = ?1 AND type = {_DIR} AND ino NOT IN (SELECT ino FROM reached)",
    ),
    (
        "content lies outside of its file",
        "SELECT 1 FROM extent AS e JOIN chunk ON chunk.id = e.chunk LEFT JOIN inode AS i ON i.layer = ?1 AND i.ino = e.ino "
        f"WHERE e.layer = ?1 AND (i.type IS NOT {_FILE} OR e.position < 0 OR e.position > i.size / {CHUNK_SIZE} "
        f"OR e.position * {CHUNK_SIZE} + chunk.size > i.size)",
    ),
    (
        "what a file takes up is wrong",
        "WITH stored (ino, bytes) AS (SELECT e.ino, sum (chunk.size) FROM extent AS e JOIN chunk ON chunk.id = e.chunk "
        "WHERE e.layer = ?1 GROUP BY e.ino) SELECT 1 FROM inode AS i LEFT JOIN stored AS s ON s.ino = i.ino "
        f"WHERE i.layer = ?1 AND i.allocated <> CASE i.type WHEN {_FILE} THEN ifnull (s.bytes, 0) "
        f"WHEN {_DIR} THEN 0 ELSE i.size END",
    ),
)


def check_tree(connection: apsw.Connection, layer: int) -> Usage:
    """The usage of a layer without ancestors. Raises `ApiError` STATE_CORRUPT if it is no tree."""
    ((inodes, content),) = rows(
        connection, "SELECT count (*), ifnull (sum (allocated), 0) FROM inode WHERE layer = ?", (layer,)
    )
    ((entries,),) = rows(connection, "SELECT count (*) FROM dentry WHERE layer = ?", (layer,))
    if inodes or entries:  # a VM that was never furnished has not even a root
        for fault, query in _FAULTS:
            if rows(connection, f"{query} LIMIT 1", (layer,)):
                damaged(fault)
    return Usage(content, entries)
