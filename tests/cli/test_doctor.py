"""Each check of the doctor's, made to fail for real."""

from __future__ import annotations

import contextlib
import json
import resource
import socket
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from runtime.cli import exits
from runtime.doctor.daemon import _memory
from runtime.doctor.state import MAX_FAULTS, check_state
from runtime.store.schema import open_writable
from tests.cli.places import COMMAND, Place
from tests.cli.test_daemon_life import OtherVersion
from tests.patience import WAIT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMESPACES = ["unshare", "--map-root-user", "--mount"]


@pytest.fixture
def home(place: Place) -> Place:
    """A place with a cache of its own, and a daemon that has been there: with a VM, a session and a key."""
    compiled = place.environment["TORPOR_CACHE"]
    place.environment |= {"TORPOR_CACHE": str(place.directory / "cache")}
    (place.directory / "cache").mkdir(mode=0o700)
    assert place.run("run", "echo", "say hello", "--env", "A=b", TORPOR_CACHE=compiled).returncode == 0
    assert place.run("stop").returncode == 0
    assert place.state.with_name("torpor.db.stderr").read_text() == ""
    return place


def findings(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    assert "Traceback" not in done.stderr, done.stderr
    return {found["check"]: found for found in map(json.loads, done.stdout.splitlines())}


def examine(place: Place, *arguments: str, **env: str) -> dict[str, dict[str, Any]]:
    done = place.run("doctor", "--json", *arguments, **env)
    found = findings(done)
    failed = any(each["verdict"] == "fail" for each in found.values())
    assert done.returncode == (exits.FAILED if failed else exits.OK)
    for each in found.values():
        assert (each["remedy"] is None) == (each["verdict"] == "ok"), each
    return found


def verdicts(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Those that are not well; of disks nothing, since the one of the tests may be full."""
    return {
        name: each["verdict"]
        for name, each in found.items()
        if each["verdict"] != "ok" and not name.startswith("disk of")
    }


def mounted(place: Place, options: str, at: Path) -> dict[str, dict[str, Any]]:
    """What it finds with a tmpfs on a directory."""
    if subprocess.run([*NAMESPACES, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody make mounts of their own: this check was not made to fail")
    script = 'mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@"'
    command = [*NAMESPACES, "sh", "-c", script, "sh", options, at, *COMMAND, "doctor", "--json"]
    done = subprocess.run(command, env=place.environment, capture_output=True, text=True, timeout=WAIT, check=False)
    return findings(done)


def limited(place: Place, limit: int, value: int) -> dict[str, dict[str, Any]]:
    command = [*COMMAND, "doctor", "--json"]
    done = subprocess.run(
        command,
        env=place.environment,
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
        preexec_fn=lambda: resource.setrlimit(limit, (value, value)),
    )
    return findings(done)


def test_all_is_well_with_a_daemon_and_without(home: Place) -> None:
    found = examine(home)
    assert verdicts(found) == {}
    assert "none runs" in found["daemon"]["message"]
    assert "opens what is sealed" in found["key"]["message"]
    before = sorted(path.name for path in home.state.parent.iterdir())
    assert verdicts(examine(home, "--full")) == {}
    assert sorted(path.name for path in home.state.parent.iterdir()) == before
    home.run("vms")
    found = examine(home)
    assert verdicts(found) == {}
    assert f"runs as process {home.status()['pid']}" in found["daemon"]["message"]


def test_all_is_well_where_nothing_is_yet(place: Place) -> None:
    found = examine(place, TORPOR_CACHE=str(place.directory / "new" / "cache"))
    assert verdicts(found) == {}
    assert not place.state.parent.exists()
    assert not (place.directory / "new").exists()


def test_people_are_told_what_to_do(home: Place) -> None:
    home.state.parent.chmod(0o755)
    done = home.run("doctor")
    assert done.returncode == exits.FAILED
    assert f"fail  state directory  {home.state.parent} is open to other users\n" in done.stdout
    assert f"-> chmod 700 {home.state.parent}\n" in done.stdout


def test_a_socket_that_is_none_or_open_or_in_a_place_that_is(home: Place) -> None:
    home.socket.write_text("no socket")
    assert verdicts(examine(home)) == {"socket": "fail"}
    home.socket.unlink()
    home.run("vms")
    home.socket.chmod(0o666)
    assert verdicts(examine(home)) == {"socket": "fail"}
    runtime = home.directory / "runtime"
    (runtime / "torpor").mkdir(parents=True)
    (runtime / "torpor").chmod(0o777)
    assert verdicts(examine(home, TORPOR_SOCKET="", XDG_RUNTIME_DIR=str(runtime))) == {"socket": "fail"}
    home.socket.chmod(0o600)


def test_a_left_socket_is_nothing_to_worry_about(home: Place) -> None:
    with home.popen("serve") as serving:
        assert serving.stderr is not None
        serving.stderr.readline()
        serving.kill()
    found = examine(home)
    assert verdicts(found) == {}
    assert "a left one" in found["daemon"]["message"]


@pytest.mark.parametrize(
    ("welcome", "verdict"),
    [({"version": "9.9.9", "protocol": 1}, "warn"), ({"version": "9.9.9", "protocol": 2}, "fail")],
)
def test_a_daemon_of_another_version(home: Place, welcome: dict[str, object], verdict: str) -> None:
    other = OtherVersion(home.socket, welcome)
    home.socket.chmod(0o600)
    thread = threading.Thread(target=other.serve, args=(2,), kwargs={"status": {"pid": 1}})
    thread.start()
    found = examine(home)
    thread.join()
    other.close()
    assert verdicts(found) == {"daemon": verdict}
    assert found["daemon"]["remedy"] == "torpor restart"


def test_a_daemon_that_hangs(home: Place) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(home.socket))
        home.socket.chmod(0o600)
        silent.listen()
        program = (
            "import sys; import runtime.client.greeting as greeting; from runtime.cli.main import main; "
            "greeting.HELLO_SECONDS = 0.1; sys.exit(main(['doctor', '--json']))"
        )
        done = subprocess.run(
            [COMMAND[0], "-c", program], env=home.environment, capture_output=True, text=True, timeout=WAIT, check=False
        )
    assert verdicts(findings(done)) == {"daemon": "fail"}


def spoil(path: Path) -> None:
    """Overwrite pages in the middle, as a bad disk does."""
    with apsw.Connection(str(path)) as connection:
        connection.pragma("wal_checkpoint", "truncate")
        (root,) = next(connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'event'"))
        size = connection.pragma("page_size")
    connection.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xa5" * size)


def foreign(path: Path) -> None:
    path.unlink()
    with apsw.Connection(str(path)) as connection:
        connection.execute("CREATE TABLE mine (a)")
    connection.close()
    path.chmod(0o600)


def newer(path: Path) -> None:
    with apsw.Connection(str(path)) as connection:
        connection.pragma("user_version", 999)
    connection.close()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (spoil, "is not a sound Torpor state file"),
        (foreign, "but not one of Torpor's"),
        (newer, "was written by a newer Torpor (schema 999"),
        (
            lambda path: path.write_bytes(b"no database " * 1000),
            "is not a sound Torpor state file: file is not a database",
        ),
    ],
)
def test_a_state_file_that_is_not_sound(home: Place, damage: Callable[[Path], object], message: str) -> None:
    damage(home.state)
    found = examine(home)
    assert verdicts(found) == {"integrity": "fail"}
    assert message in found["integrity"]["message"]


def test_indexes_and_references_are_looked_at_in_full(home: Place) -> None:
    with apsw.Connection(str(home.state)) as connection:
        connection.pragma("foreign_keys", "off")
        connection.execute("DELETE FROM vm")
    connection.close()
    assert verdicts(examine(home)) == {}
    found = examine(home, "--full")
    assert verdicts(found) == {"integrity": "fail"}
    assert "refers to nothing" in found["integrity"]["message"]


def test_state_that_others_can_read(home: Place) -> None:
    home.state.chmod(0o644)
    assert verdicts(examine(home)) == {"state file": "fail"}
    home.state.chmod(0o600)
    (home.state.parent / "key").chmod(0o644)
    assert verdicts(examine(home)) == {"key": "fail"}


def test_a_key_that_is_lost_damaged_or_another_one(home: Place) -> None:
    key = home.state.parent / "key"
    key.write_bytes(bytes(32))
    assert "is not the key" in examine(home)["key"]["message"]
    key.write_bytes(b"short")
    assert verdicts(examine(home)) == {"key": "fail"}
    key.unlink()
    found = examine(home)
    assert verdicts(found) == {"key": "warn"}
    assert "there is no" in found["key"]["message"]


def test_a_state_directory_that_is_none(home: Place) -> None:
    found = examine(home, "--state", str(home.state / "torpor.db"))
    assert found["state directory"]["verdict"] == "fail"


def test_a_cache_that_is_open_to_others(home: Place) -> None:
    (home.directory / "cache").chmod(0o755)
    assert verdicts(examine(home)) == {"cache": "fail"}


def test_a_cache_that_cannot_be_written_to(home: Place) -> None:
    found = mounted(home, "ro,mode=0700", home.directory / "cache")
    assert verdicts(found) == {"cache": "fail"}
    assert "cannot be written to" in found["cache"]["message"]


def test_a_cache_from_which_nothing_may_run(home: Place) -> None:
    found = mounted(home, "noexec,mode=0700", home.directory / "cache")
    assert verdicts(found) == {"machine code": "fail"}
    assert "noexec" in found["machine code"]["message"]


@pytest.mark.parametrize(
    ("options", "verdict", "message"),
    [
        ("size=16m", "fail", "16.8 MB free"),
        ("size=500m", "warn", "0.5 GB free"),
        ("size=2g,nr_inodes=50", "fail", "files can be made"),
    ],
)
def test_a_disk_that_is_full_or_nearly(home: Place, options: str, verdict: str, message: str) -> None:
    found = mounted(home, f"mode=0700,{options}", home.directory / "cache")["disk of cache"]
    assert found["verdict"] == verdict
    assert message in found["message"]


def test_an_engine_without_addresses(home: Place) -> None:
    found = limited(home, resource.RLIMIT_AS, 3 * 1024**3)
    assert verdicts(found) == {"engine": "fail"}
    assert "ulimit -v" in found["engine"]["remedy"]


@pytest.mark.parametrize(("limit", "verdict"), [(100, "fail"), (512, "warn")])
def test_too_few_descriptors(home: Place, limit: int, verdict: str) -> None:
    found = limited(home, resource.RLIMIT_NOFILE, limit)
    assert verdicts(found) == {"limits": verdict}
    assert found["limits"]["remedy"].startswith("ulimit -n")


def test_what_a_daemon_said_before_it_died(home: Place) -> None:
    home.state.with_name(home.state.name + ".stderr").write_text("panicked\n")
    assert verdicts(examine(home)) == {"last words": "warn"}


@pytest.mark.parametrize(("bound", "verdict"), [("0", None), ("16G", "ok"), ("1M", "fail")])
def test_a_daemon_with_no_room_for_another_guest(
    home: Place, component_cache: Path, bound: str, verdict: str | None
) -> None:
    done = home.run("run", "echo", "say hello", TORPOR_MAX_MEMORY=bound, TORPOR_CACHE=str(component_cache))
    assert ("limit_exceeded" in done.stderr) == (done.returncode != exits.OK) == (verdict == "fail")
    found = examine(home)
    if verdict is None:
        assert "memory" not in found
        return
    assert found["memory"]["verdict"] == verdict
    assert "no other guest starts" in found["memory"]["message"]
    if verdict == "fail":
        assert "torpor ps" in found["memory"]["remedy"]
        # What one daemon was given the next one has, whatever the environment of who restarts it.
        assert home.run("restart").returncode == exits.OK
        assert home.status()["maxMemoryBytes"] == 1024 * 1024


@pytest.mark.parametrize(("used", "verdict"), [(89, "ok"), (90, "warn"), (100, "warn"), (101, "fail")])
def test_memory_that_is_nearly_used_up(used: int, verdict: str) -> None:
    assert _memory(used, 100).verdict == verdict


def test_of_a_file_with_many_faults_some_are_told(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with contextlib.closing(open_writable(path)) as connection:
        connection.pragma("foreign_keys", "off")
        for number in range(2 * MAX_FAULTS):
            connection.execute("INSERT INTO idempotency VALUES (?, 'k', x'00', '{}')", (number,))
    path.chmod(0o600)
    (found,) = [each for each in check_state(path, full=True) if each.check == "integrity"]
    assert found.message.count("refers to nothing") == MAX_FAULTS


def test_authorities_that_are_none_are_told_by_the_doctor_and_by_serve(home: Place) -> None:
    absent = str(home.directory / "absent.pem")
    assert verdicts(examine(home, SSL_CERT_FILE=absent)) == {"certificates": "fail"}
    refused = home.run("serve", SSL_CERT_FILE=absent)
    assert refused.returncode == exits.USAGE
    assert refused.stderr == f"torpor: SSL_CERT_FILE: {absent}: No such file or directory\n"
