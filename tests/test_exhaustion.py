"""Each limit of the machine and its code in the API."""

from __future__ import annotations

import errno
import os
import resource
import socket

import apsw
import httpcore
import pytest

from runtime import exhaustion
from runtime.api.errors import ApiError, ErrorCode
from runtime.daemon.main import MAX_DESCRIPTORS, _raise_descriptors
from runtime.exhaustion import check_exhausted, descriptors_left, exhausted
from runtime.network.errors import from_cause
from runtime.store.errors import as_api_error
from runtime.vms.results import telling_errors
from wasi_fs.mounts.kernel import failed

NOTHING_LEFT = [
    (OSError(errno.EMFILE, "x"), "descriptors"),
    (OSError(errno.ENFILE, "x"), "descriptors"),
    (OSError(errno.ENOMEM, "x"), "memory"),
    (OSError(errno.EAGAIN, "x"), "processes"),
    (MemoryError(), "memory"),
    (RuntimeError("can't start new thread"), "processes"),
]


@pytest.mark.parametrize(("error", "resource"), NOTHING_LEFT)
def test_what_passes_is_retryable_and_says_of_what(error: Exception, resource: str) -> None:
    found = exhausted(error)
    assert found is not None
    assert found.to_data() == {"code": "resource_exhausted", "retryable": True, "resource": resource}
    with pytest.raises(ApiError):
        check_exhausted(error)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_passes_too(number: int) -> None:
    found = exhausted(OSError(number, "x"))
    assert found is not None
    assert found.to_data() == {"code": "io_error", "retryable": True, "reason": "disk_full"}


def test_a_disk_that_fails_does_not() -> None:
    found = exhausted(OSError(errno.EIO, "x"))
    assert found is not None
    assert found.to_data() == {"code": "io_error", "retryable": False, "reason": "disk_failed"}


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOENT, "x"), OSError("x"), RuntimeError("x"), ValueError("x"), socket.gaierror(-2, "x")]
)
def test_whatever_else_is_no_limit_of_the_machine(error: Exception) -> None:
    assert exhausted(error) is None
    check_exhausted(error)


def test_threads_really_fail_with_these_words() -> None:
    """They are CPython's: `threading.Thread.start`."""
    import _thread  # noqa: PLC0415 - for this alone
    import threading  # noqa: PLC0415

    previous = threading.stack_size(2**47)  # more addresses than there are
    try:
        with pytest.raises(RuntimeError) as failure:
            _thread.start_new_thread(os.getpid, ())
    except ValueError:
        pytest.skip("the size is refused before")
    finally:
        threading.stack_size(previous)
    assert exhausted(failure.value) is not None


@pytest.mark.parametrize(
    ("error", "left", "code"),
    [
        (apsw.FullError("x"), True, ErrorCode.IO_ERROR),
        (apsw.NoMemError("x"), True, ErrorCode.RESOURCE_EXHAUSTED),
        (apsw.CantOpenError("x"), True, ErrorCode.IO_ERROR),
        (apsw.CantOpenError("x"), False, ErrorCode.RESOURCE_EXHAUSTED),
        (MemoryError(), True, ErrorCode.RESOURCE_EXHAUSTED),
    ],
)
def test_sqlite_says_the_same(error: Exception, left: bool, code: ErrorCode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.store.errors.descriptors_left", lambda: left)
    told = as_api_error(error)
    assert isinstance(told, ApiError)
    assert told.code is code


def test_a_descriptor_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert descriptors_left()

    def fail(*_: object) -> int:
        raise OSError(errno.EMFILE, "x")

    monkeypatch.setattr(exhaustion.os, "open", fail)
    assert not descriptors_left()


@pytest.mark.parametrize(
    ("number", "data"),
    [
        (errno.EMFILE, {"code": "resource_exhausted", "retryable": True, "resource": "descriptors"}),
        (errno.ENOSPC, {"code": "io_error", "retryable": True, "reason": "disk_full"}),
        (errno.ENOENT, {"code": "not_found", "retryable": False, "path": "/mounted"}),
    ],
)
def test_files_of_the_host_in_a_vm(number: int, data: dict[str, object]) -> None:
    def fail() -> None:
        raise OSError(number, "x")

    def look() -> None:
        try:
            fail()
        except OSError as error:
            raise failed(error) from None

    with pytest.raises(ApiError) as told, telling_errors("/mounted"):
        look()
    assert told.value.to_data() == data


def test_a_guest_that_cannot_connect_for_lack_of_descriptors() -> None:
    error = httpcore.ConnectError("x")
    error.__cause__ = OSError(errno.EMFILE, "x")
    assert from_cause(error).code == "connection-limit-reached"


def test_a_daemon_has_as_many_descriptors_as_it_may_up_to_a_bound() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
        _raise_descriptors()
        most = MAX_DESCRIPTORS if before[1] == resource.RLIM_INFINITY else min(before[1], MAX_DESCRIPTORS)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
