from __future__ import annotations

import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from runtime.api.errors import ApiError, ErrorCode
from runtime.store import SessionRecord, Store, VmRecord, open_store
from runtime.store.sealing import KEY_BYTES, Sealer
from tests.patience import WAIT

if TYPE_CHECKING:
    from pathlib import Path

ENV = {"API_KEY": "sk-plain-secret", "ÜMLAUT": "ß"}
NAMES = tuple(ENV)


def refusal(sealer: Sealer, blob: bytes, session_id: str = "s") -> ApiError:
    with pytest.raises(ApiError) as caught:
        sealer.open(blob, session_id, NAMES)
    return caught.value


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    return Sealer(tmp_path / "key")


def test_what_is_sealed_opens(sealer: Sealer, tmp_path: Path) -> None:
    blob = sealer.seal(ENV, "s")
    assert sealer.open(blob, "s", NAMES) == ENV
    assert sealer.seal(ENV, "s") != blob
    assert b"plain-secret" not in blob
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_blob_belongs_to_its_session(sealer: Sealer) -> None:
    assert refusal(sealer, sealer.seal(ENV, "s"), "t").code is ErrorCode.STATE_CORRUPT


def test_a_changed_blob_does_not_open(sealer: Sealer) -> None:
    blob = sealer.seal(ENV, "s")
    for index in (0, 12, len(blob) - 1):
        changed = bytearray(blob)
        changed[index] ^= 1
        assert refusal(sealer, bytes(changed)).code is ErrorCode.STATE_CORRUPT
    for length in (0, 5, 15, 25):
        assert refusal(sealer, blob[:length]).code in {ErrorCode.STATE_CORRUPT, ErrorCode.SECRETS_REQUIRED}


def test_without_the_key_the_names_are_asked_for(sealer: Sealer, tmp_path: Path) -> None:
    blob = sealer.seal(ENV, "s")
    (tmp_path / "key").unlink()
    error = refusal(sealer, blob)
    assert error.code is ErrorCode.SECRETS_REQUIRED
    assert error.data == {"names": list(ENV)}
    sealer.seal(ENV, "s")  # makes another key
    assert refusal(sealer, blob).code is ErrorCode.SECRETS_REQUIRED


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused(sealer: Sealer, tmp_path: Path, mode: int) -> None:
    blob = sealer.seal(ENV, "s")
    (tmp_path / "key").chmod(mode)
    error = refusal(sealer, blob)
    assert error.code is ErrorCode.IO_ERROR
    assert "chmod 600" in error.message


@pytest.mark.parametrize("size", [0, KEY_BYTES - 1, KEY_BYTES + 1])
def test_a_key_of_a_wrong_size_is_refused(sealer: Sealer, tmp_path: Path, size: int) -> None:
    (tmp_path / "key").touch(0o600)
    (tmp_path / "key").write_bytes(b"k" * size)
    with pytest.raises(ApiError, match="must hold 32 bytes"):
        sealer.seal(ENV, "s")


def test_a_link_is_not_followed(sealer: Sealer, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"k" * KEY_BYTES)
    (tmp_path / "key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ApiError) as caught:
        sealer.seal(ENV, "s")
    assert caught.value.code is ErrorCode.IO_ERROR


def test_a_directory_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ApiError, match="cannot write the key file"):
        Sealer(tmp_path / "nowhere" / "key").seal(ENV, "s")


def holding(directory: Path, content: bytes) -> set[str]:
    return {path.name for path in directory.iterdir() if content in path.read_bytes()}


async def test_the_plain_secret_is_in_no_file(state: Path) -> None:
    async with open_store(state) as store:
        vm, _ = await store.vms.get_or_create("one", {}, 1)
        made = await store.sessions.create(vm.row, "s", "pi", 1, options={}, env=ENV)
        assert made.env_names == NAMES
        assert await store.sessions.env(made) == ENV
        assert holding(state.parent, b"API_KEY") == {"torpor.db-wal"}
        assert holding(state.parent, b"plain-secret") == set()
    assert holding(state.parent, b"API_KEY") == {"torpor.db"}
    assert holding(state.parent, b"plain-secret") == set()


async def test_env_of_a_session(store: Store, session: SessionRecord, vm: VmRecord, state: Path) -> None:
    assert await store.sessions.env(session) == {}
    assert not state.with_name("key").exists()  # nothing was sealed yet
    await store.sessions.set_env(session, ENV)
    changed = store.sessions.get(vm.row, session.session_id)
    assert changed is not None
    assert changed.env_names == NAMES
    assert await store.sessions.env(changed) == ENV
    # As an export leaves it:
    await store.writer.commit(lambda connection: connection.execute("UPDATE session SET env_sealed = NULL"))
    with pytest.raises(ApiError) as caught:
        await store.sessions.env(changed)
    assert caught.value.data == {"names": list(NAMES)}
    await store.sessions.delete(session.row)
    with pytest.raises(ApiError) as caught:
        await store.sessions.env(changed)
    assert caught.value.code is ErrorCode.SESSION_NOT_FOUND


@pytest.mark.slow
def test_cryptography_is_not_imported_before_it_is_needed() -> None:
    program = "import sys, runtime.store; sys.exit('cryptography' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=WAIT)
