"""A state or export file to be read only, be it in use: nothing is written to it, nor made beside it by us."""

from __future__ import annotations

import contextlib
import stat
from typing import TYPE_CHECKING, Any, NoReturn

import apsw

from runtime.api.errors import ApiError, ErrorCode
from runtime.store.errors import as_api_error
from runtime.store.foreign import check_schema, damaged
from runtime.store.reading import Reader
from runtime.store.rotation import KeyRotation
from runtime.store.schema import open_readable
from runtime.store.sealing import Sealer
from runtime.store.store import Store
from runtime.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _NoWriter(Writer):
    """Refuses whatever is to be written."""

    def __init__(self) -> None:
        """There is no connection to write by."""

    def submit(self, *_: Any, **__: Any) -> None:
        """Refuse."""
        _refuse()

    async def commit(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse."""
        _refuse()

    async def barrier(self) -> None:
        """Nothing is under way."""


def _refuse() -> NoReturn:
    raise ApiError(ErrorCode.READ_ONLY, "the file is open for reading only")


@contextlib.contextmanager
def view_store(path: Path) -> Iterator[Store]:
    """Open the file, on the trio thread. Its schema is this version's, text by text, or it is refused.

    Raises `ApiError`: NOT_FOUND, IO_ERROR, STATE_CORRUPT, STATE_NEWER.
    """
    try:
        status = path.stat()
    except OSError as error:
        code = ErrorCode.NOT_FOUND if isinstance(error, FileNotFoundError) else ErrorCode.IO_ERROR
        raise ApiError(code, f"cannot read {path}: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        damaged("it is not a regular file")
    try:
        with contextlib.closing(open_readable(path)) as connection:
            check_schema(connection)
        reader = Reader(path)
    except (apsw.NotADBError, apsw.CorruptError, apsw.SQLError) as error:
        damaged(str(error))
    except apsw.Error as error:
        raise as_api_error(error) from error
    key_path = path.with_name("key")
    try:
        yield Store(path, _NoWriter(), reader, Sealer(key_path), KeyRotation(key_path, path))
    finally:
        reader.close()
