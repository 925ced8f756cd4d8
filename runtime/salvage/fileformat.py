"""Numbers of SQLite's file format (https://www.sqlite.org/fileformat2.html)."""

from __future__ import annotations

from typing import Final

PAGE_BYTES: Final = 4096
"""Of every file that we make."""
MIN_PAGE_BYTES: Final = 512
HEADER_BYTES: Final = 100
LOG_HEADER_BYTES: Final = 32
FRAME_HEADER_BYTES: Final = 24

TABLE_LEAF: Final = 0x0D
TABLE_INTERIOR: Final = 0x05
INDEX_LEAF: Final = 0x0A
INDEX_INTERIOR: Final = 0x02
KINDS: Final = (TABLE_LEAF, TABLE_INTERIOR, INDEX_LEAF, INDEX_INTERIOR)

ROOT: Final = 1
CHILD: Final = 5
"""What the pointer map calls the root of a tree, and a page below another one."""
MAP_ENTRY_BYTES: Final = 5
"""A kind, and the page above."""

MORE: Final = 0x80
"""In a byte of a number: another one follows."""
FLOAT: Final = 7
INTEGERS: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""Serial type of an integer -> its bytes."""
