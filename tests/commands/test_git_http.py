"""git in a VM with remotes over HTTP: against the machine's `git http-backend`."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.commands.built import LONGEST_MS, needs
from tests.commands.git_server import GitServer, git, repository
from tests.commands.web import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.system.daemon import Vm

WHO = "git config --global user.name A; git config --global user.email a@example.com; "

pytestmark = [
    *needs("bash", "git", "torpor-net"),
    pytest.mark.skipif(shutil.which("git") is None, reason="there is no git to serve with"),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """A server with one repository, small.git."""
    repository(tmp_path, "small", {"a.txt": "one\n", "d/b.txt": "two\n"})
    with serving(GitServer(tmp_path / "served")) as server:
        yield server


@pytest.fixture
def vm(make_vm: Callable[..., Vm], server: GitServer) -> Vm:
    """A VM that may reach the server."""
    return make_vm(network={"allow": [server.host]})


def run(vm: Vm, server: GitServer, script: str) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of a script, with $U for the server."""
    env = {"U": f"http://{server.host}", "H": server.host}
    done: dict[str, Any] = vm.call("exec", argv=["bash", "-c", f"cd; {WHO}{script}"], env=env, timeoutMs=LONGEST_MS)
    return done["exitCode"], done["stdout"].replace(server.host, "HOST"), done["stderr"].replace(server.host, "HOST")


def good(vm: Vm, server: GitServer, script: str) -> str:
    """What a script says that succeeds."""
    code, output, errors = run(vm, server, f"set -e; {script}")
    assert code == 0, errors
    return output


def served(server: GitServer, *words: str, name: str = "small") -> str:
    """What this machine's git says of a served repository."""
    return git(*words, cwd=server.folder / f"{name}.git")


def commit(server: GitServer, tmp_path: Path, path: str, content: str) -> None:
    """Commit a file to main by this machine's git."""
    work = tmp_path / "other"
    git("clone", "-q", str(server.folder / "small.git"), str(work), cwd=tmp_path)
    (work / path).write_text(content)
    git("add", ".", cwd=work)
    git("commit", "-qm", f"add {path}", cwd=work)
    git("push", "-q", cwd=work)


def test_clone_fetch_pull_and_push(vm: Vm, server: GitServer, tmp_path: Path) -> None:
    assert good(vm, server, "git clone -q $U/small.git s; cat s/a.txt s/d/b.txt; git -C s tag") == "one\ntwo\nv1\n"
    commit(server, tmp_path, "c.txt", "three\n")
    assert good(vm, server, "cd s; git fetch -q; git log --format=%s origin/main; git pull -q; cat c.txt") == (
        "add c.txt\nfirst\nthree\n"
    )
    code, _, errors = run(vm, server, "cd s; echo four > d.txt; git add .; git commit -qm fourth; git push")
    assert code == 0
    assert errors.startswith("To http://HOST/small.git\n")
    assert errors.endswith("main -> main\n")
    assert served(server, "log", "--format=%s") == "fourth\nadd c.txt\nfirst\n"
    good(
        vm,
        server,
        "cd s; git push -q origin HEAD:refs/heads/new; git tag v2; git push -q --tags; git push -q origin :new",
    )
    assert served(server, "for-each-ref", "--format=%(refname)") == "refs/heads/main\nrefs/tags/v1\nrefs/tags/v2\n"
    assert good(vm, server, "git ls-remote $U/small.git main v1 | cut -f 2") == "refs/heads/main\nrefs/tags/v1\n"


def test_what_is_rejected_and_what_is_forced(vm: Vm, server: GitServer, tmp_path: Path) -> None:
    good(vm, server, "git clone -q $U/small.git s; cd s; echo x > x; git add x; git commit -qm mine")
    commit(server, tmp_path, "c.txt", "three\n")
    code, _, errors = run(vm, server, "cd s; git push")
    assert code == 1
    assert (
        " ! [rejected]        main -> main (fetch first)\nerror: failed to push some refs to 'http://HOST/small.git'\n"
        in errors
    )
    code, _, errors = run(vm, server, "cd s; git push -n -f; git push -q --force-with-lease=main:v1 || git push -q -f")
    assert code == 0
    assert "stale info" in errors
    assert served(server, "log", "--format=%s") == "mine\nfirst\n"
    hook = server.folder / "small.git" / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    code, _, errors = run(vm, server, "cd s; git commit -q --allow-empty -m more; git push")
    assert code == 1
    assert "remote: not today" in errors
    assert " ! [remote rejected] main -> main (hook declined)\n" in errors


def test_a_server_that_knows_only_the_first_version(vm: Vm, server: GitServer, tmp_path: Path) -> None:
    server.oldest = True
    assert (
        good(vm, server, "git clone -q $U/small.git s; cat s/a.txt; git -C s symbolic-ref HEAD")
        == "one\nrefs/heads/main\n"
    )
    commit(server, tmp_path, "c.txt", "three\n")
    assert (
        good(vm, server, "cd s; git pull -q; cat c.txt; git ls-remote origin v1 | cut -f 2") == "three\nrefs/tags/v1\n"
    )
    server.oldest = False
    ask = "git -c protocol.version=0 ls-remote $U/small.git HEAD | cut -f 2; git -c protocol.version=1 -C s fetch"
    assert good(vm, server, ask) == "HEAD\n"


def test_a_part_of_the_history(vm: Vm, server: GitServer, tmp_path: Path) -> None:
    commit(server, tmp_path, "c.txt", "three\n")
    script = "git clone -q --depth 1 $U/small.git s; cd s; git log --format=%s; git fetch -q --unshallow; git log --format=%s"
    assert good(vm, server, script) == "add c.txt\nadd c.txt\nfirst\n"


def test_large_pushes_go_out_as_they_are_made(vm: Vm, server: GitServer) -> None:
    script = "head -c 3000000 /dev/urandom > big; git add big; git commit -qm big; git push -q; git hash-object big"
    server.require("me", "pw")
    name = good(vm, server, f"git clone -q http://me:pw@$H/small.git s; cd s; {script}")
    assert served(server, "rev-parse", "main:big") == name
    assert server.framings[-2:] == ["length", "chunked"], "a small request finds out whether it may"


def test_credentials(vm: Vm, server: GitServer) -> None:
    server.require("me", "pass word")
    code, _, errors = run(vm, server, "git clone -q $U/small.git s < /dev/null")
    assert code == 128
    assert "Authentication failed for 'http://HOST/small.git/'" in errors
    good(vm, server, "git clone -q http://me:pass%20word@$H/small.git s; git -C s fetch")
    helper = "!f() { echo $1 >> ~/log; cat >> ~/log; echo username=me; echo password=$P; }; f"
    script = f"git config --global credential.helper '{helper}'; cd s; git remote set-url origin $U/small.git"
    log = good(vm, server, f"{script}; P='pass word' git fetch; cat ~/log").splitlines()
    assert (log[0], log[1:3]) == ("get", ["protocol=http", "host=HOST"])
    assert 'wwwauth[]=Basic realm="git"' in log
    assert log[-5:] == ["store", "protocol=http", "host=HOST", "username=me", "password=pass word"]
    code, output, errors = run(vm, server, "rm ~/log; cd s; P=wrong git fetch; code=$?; cat ~/log; exit $code")
    assert (code, output.splitlines()[-5]) == (128, "erase")
    assert "Authentication failed" in errors


def test_headers_of_the_configuration(vm: Vm, server: GitServer) -> None:
    server.require("me", "pw")
    header = "'Authorization: Basic bWU6cHc='"
    name = "http.$U/.extraHeader"
    good(
        vm,
        server,
        f"git config --global {name} {header}; git clone -q $U/small.git s; git -C s push -q origin HEAD:new",
    )
    for other in ("http.$U/other.extraHeader", "http.http://127.0.0.1/.extraHeader", "http.https://$H/.extraHeader"):
        code, *_ = run(
            vm, server, f"git config --global --unset {name}; cd s; git -c {other}={header} fetch < /dev/null"
        )
        assert code == 128
    good(
        vm,
        server,
        f"cd s; git -c http.extraHeader={header} fetch; git -c {name}=x: -c {name}= -c {name}={header} fetch",
    )


def test_a_token_that_the_vm_never_has(vm: Vm, server: GitServer) -> None:
    server.require("me", "the-secret")
    session = vm.session(secrets={"TOKEN": {"value": "the-secret", "placeholder": True, "hosts": [server.host]}})
    token = session.say("env TOKEN").removeprefix("TOKEN=")
    vm.write(
        "/home/user/script",
        f"{WHO} git clone -q http://me:{token}@{server.host}/small.git s && cd s && git push origin HEAD:new",
    )
    assert session.say("terminal bash /home/user/script").startswith("terminal: exit=0 ")
    assert "refs/heads/new\n" in served(server, "for-each-ref", "--format=%(refname)")
    assert "the-secret" not in str(vm.call("exec", argv=["grep", "-r", ".", "/home/user/s/.git/config"])["stdout"])


def test_redirects_move_the_repository(vm: Vm, server: GitServer) -> None:
    code, _, errors = run(vm, server, "git clone -q $U/moved/small.git s && cd s && git push origin HEAD:new")
    assert code == 0
    assert "warning: redirecting to http://HOST/small.git/\n" in errors
    code, _, errors = run(vm, server, "git -c http.followRedirects=false clone $U/moved/small.git t")
    assert code == 128
    assert "unable to access 'http://HOST/moved/small.git/': The requested URL returned error: 301" in errors


def test_headers_for_a_host_do_not_follow_a_redirect_to_another(make_vm: Callable[..., Vm], server: GitServer) -> None:
    vm = make_vm(network={"allow": [server.host, f"localhost:{server.server_address[1]}"]})
    good(vm, server, "git -c http.$U/.extraHeader='X-Secret: s' clone -q $U/away/small.git s")
    assert set(server.secrets) == {("127.0.0.1", "s"), ("localhost", None)}


LOGGING = "git config --global credential.helper '!f() { echo $1 >> ~/log; cat >> ~/log; }; f'; "


@pytest.mark.parametrize(("guarded", "ended"), [(("127.0.0.1",), 0), (("127.0.0.1", "localhost"), 128)])
def test_a_password_does_not_follow_a_redirect_to_another_host(
    make_vm: Callable[..., Vm], server: GitServer, guarded: tuple[str, ...], ended: int
) -> None:
    vm = make_vm(network={"allow": [server.host, f"localhost:{server.server_address[1]}"]})
    server.require("me", "pw")
    server.guarded = guarded
    script = f"{LOGGING} git clone -q http://me:pw@$H/away/small.git s < /dev/null; code=$?; cat ~/log; exit $code"
    code, log, _ = run(vm, server, script)
    assert code == ended
    assert set(server.secrets) == {("127.0.0.1", None), ("127.0.0.1", server.credentials), ("localhost", None)}
    assert "username=me" not in log, "neither asked for nor kept for the other host"
    assert ("host=localhost" in log) == ("localhost" in guarded)


@pytest.mark.parametrize(
    "url",
    [
        "http://x%0ahost=other.example@$H/a",
        "http://x:p%0D@$H/a",
        "http://x%00y@$H/a",
        "http://$H/a\nhost=other.example/b",
    ],
)
def test_a_url_cannot_forge_a_line_of_what_helpers_are_asked(vm: Vm, server: GitServer, url: str) -> None:
    server.require("me", "pw")
    code, log, errors = run(vm, server, f'{LOGGING} git ls-remote "{url}" < /dev/null; code=$?; cat ~/log; exit $code')
    assert (code, log) == (128, "")
    assert "fatal: the URL has a line end or a NUL in it" in errors


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("$U/none.git", "repository 'http://HOST/none.git/' not found"),
        (
            "https://example.com/a.git",
            "unable to access 'https://example.com/a.git/': the VM's network.allow does not name this host: example.com",
        ),
        ("git@github.com:a/b.git", "there is no ssh here"),
    ],
)
def test_what_cannot_be_cloned(vm: Vm, server: GitServer, url: str, said: str) -> None:
    code, _, errors = run(vm, server, f"git clone {url} s")
    assert code == 128
    assert said in errors


def test_a_thousand_files(make_vm: Callable[..., Vm], tmp_path: Path) -> None:
    files = {f"d{number % 20}/f{number}.txt": f"line {number}\n" * 50 for number in range(1000)}
    repository(tmp_path, "many", files)
    with serving(GitServer(tmp_path / "served")) as server:
        vm = make_vm(network={"allow": [server.host]})
        script = "git clone -q $U/many.git s; cd s; git status --short; git ls-files | wc -l; git fsck; cat d7/f987.txt"
        assert good(vm, server, script) == "1000\n" + files["d7/f987.txt"]
