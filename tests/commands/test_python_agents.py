"""Agents in Python without a build, in VMs of a real daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.commands.agent_folders import Language, new_folder, running_with_agents
from tests.commands.built import needs
from tests.commands.web import tiny_index
from tests.patience import WAIT
from tests.system.daemon import fresh_name, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.commands.agent_folders import Folder
    from tests.commands.web import Web
    from tests.system.daemon import Api, Daemon, Vm

pytestmark = needs("bash", "coreutils", "python3")

PYTHON = Language(
    "python",
    "agent.py",
    "import asyncio, os, sys\nfrom pathlib import Path\nfrom torpor_agent import *\nclass Scribe(Agent):\n",
    "\nrun(Scribe())\n",
    "    async def prompt(self, session, blocks):\n        session.say(str(({})))",
)


@pytest.fixture(scope="module")
def daemon(component_cache: Path, scratch: Path) -> Iterator[Daemon]:
    """One with agents of its own."""
    with running_with_agents(component_cache, scratch) as daemon:
        yield daemon


@pytest.fixture
def folder(api: Api, tmp_path: Path) -> Iterator[Folder]:
    """One that `torpor agent new` has made."""
    with new_folder(api, tmp_path, PYTHON) as folder:
        yield folder


def test_what_new_has_made_answers_and_an_edit_is_there_at_the_next_session(vm: Vm, folder: Folder) -> None:
    session = vm.session(folder.name)
    assert session.info["agentInfo"]["name"] == folder.name
    assert session.say("hi") == "This is turn 1, and you said: hi\n/home/user has 2 entries.\n"
    folder.answers("'edited: ' + blocks.text")
    assert vm.session(folder.name).say("hi") == "edited: hi"
    assert session.say("again").startswith("This is turn 2, and you said: again"), "it runs what it has begun with"
    vm.sleep()
    folder.answers("session.resumed, session.state")
    assert session.say("after the night") == "(True, {'turn': 2})"


def test_modules_and_files_of_the_folder_are_there_and_only_read(vm: Vm, folder: Folder) -> None:
    (folder.path / "lib").mkdir()
    (folder.path / "lib" / "helper.py").write_text(
        "from pathlib import Path\ntext = (Path(__file__).parent / 'a.txt').read_text()"
    )
    (folder.path / "lib" / "a.txt").write_text("data")
    body = """    async def prompt(self, session, blocks):
        from lib.helper import text
        try:
            Path(__file__).write_text("mine")
        except OSError as error:
            text += f" {error.strerror}"
        session.say(f"{text} {os.getcwd()} {os.environ['TORPOR_INSTRUCTIONS'][:13]} {os.environ['A']} {sys.argv[1:]}")
"""
    folder.write(body)
    with (folder.path / "agent.toml").open("a") as manifest:
        manifest.write('args = ["-x"]\nenv = {A = "of the manifest"}\n')
    assert (
        vm.session(folder.name).say("") == "data Read-only file system /home/user # The machine of the manifest ['-x']"
    )
    assert vm.session(folder.name, env={"A": "of the session"}).say("").endswith("# The machine of the session ['-x']")
    assert not list(folder.path.rglob("__pycache__"))
    library = vm.call("readdir", path="/usr/lib/python3.13/site-packages/torpor_agent")
    assert "wire.py" in [entry if isinstance(entry, str) else entry["name"] for entry in library]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def x(:\n", "SyntaxError: invalid syntax"),
        ("import nothing_of_that_name\n", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
    ],
)
def test_an_agent_that_does_not_begin_says_why(vm: Vm, folder: Folder, text: str, why: str) -> None:
    (folder.path / "agent.py").write_text(text)
    error = vm.error("createSession", agentType=folder.name)
    assert (error.data["code"], error.data["phase"]) == ("agent_failed", "initialize")
    assert why in error.data["stderr"]
    assert f"/root/.torpor/agents/{folder.name}/agent.py" in error.data["stderr"]
    told = vm.api.error("checkAgent", path=str(folder.path))
    assert why in str(told)


def test_one_that_refuses_the_session_says_why(vm: Vm, folder: Folder) -> None:
    folder.write("    async def start(self, session):\n        os.environ['NO_SUCH_KEY']")
    error = vm.error("createSession", agentType=folder.name)
    assert "the agent refused session/new: KeyError: 'NO_SUCH_KEY'" in str(error)
    assert "KeyError" in vm.api.call("checkAgent", path=str(folder.path))["refusal"]


def test_a_vm_without_the_base_system_says_so(make_vm: Callable[..., Vm], folder: Folder) -> None:
    error = make_vm(base="none").error("createSession", agentType=folder.name)
    assert "is run by /usr/bin/python3, which this VM does not have" in str(error)


def test_a_turn_is_cancelled(vm: Vm, folder: Folder) -> None:
    body = """    async def prompt(self, session, blocks):
        session.say("begun")
        await session.run("sleep 1000")
"""
    folder.write(body)
    session = vm.session(folder.name)
    session.subscribe()
    pending = session.begin("go")
    session.call("cancelPrompt")
    assert vm.api.result(pending)["stopReason"] == "cancelled"


def test_files_and_commands_are_those_of_the_vm(vm: Vm, folder: Folder) -> None:
    body = """    async def prompt(self, session, blocks):
        await session.write("a/b.txt", "one\\ntwo\\n")
        ran = await session.run("cat", "a/b.txt")
        failed = await session.run("echo no >&2; exit 3", cwd="a")
        child = await asyncio.create_subprocess_exec("tr", "a-z", "A-Z", stdin=-1, stdout=-1)
        louder, _ = await child.communicate(Path("a/b.txt").read_bytes())
        session.say(f"{ran} {failed} {louder} {await session.read('a/b.txt', 2, 1)!r}")
"""
    folder.write(body)
    ran = "Ran(exit_code=0, signal=None, output='one\\ntwo\\n', truncated=False)"
    failed = "Ran(exit_code=3, signal=None, output='no\\n', truncated=False)"
    assert vm.session(folder.name).say("") == f"{ran} {failed} b'ONE\\nTWO\\n' 'two\\n'"


def test_http_comes_while_others_go_on(make_vm: Callable[..., Vm], folder: Folder, web: Web) -> None:
    body = f"""    async def prompt(self, session, blocks):
        async with fetch("{web.url}/echo/a", json={{"a": 1}}, headers={{"x-key": os.environ["KEY"]}}) as answer:
            lines = [line async for line in answer.lines()]
        session.say(f"{{answer.status}} {{lines[0]}} {{lines[-1]}} {{'x-key: sealed' in lines}}")
        async with fetch("{web.url}/large") as answer:
            session.say(f" {{len(await answer.read())}}")
        async with fetch("{web.url}/status/404", "DELETE") as answer:
            session.say(f" {{answer.status}}")
        try:
            async with fetch("http://127.0.0.1:1/"):
                pass
        except OSError as error:
            session.say(f" {{type(error).__name__}}")
        async with fetch("{web.url}/silent"):
            session.say("never")
"""
    folder.write(body)
    vm = make_vm(network={"allow": [web.host, "127.0.0.1:1"]})
    session = vm.session(folder.name, env={"KEY": "sealed"})
    session.subscribe()
    pending = session.start("sendPrompt", prompt="go")
    assert web.asked.wait(WAIT)
    session.call("cancelPrompt")
    result: dict[str, Any] = vm.api.result(pending)
    assert result["stopReason"] == "cancelled"
    said = text_of(session.events())
    assert said == '200 POST /echo/a {"a": 1} True 3000000 404 ConnectionRefusedError'


def test_hosts_of_its_manifest_are_its_own(vm: Vm, folder: Folder) -> None:
    """Nobody else of the VM reaches them, and it no other."""
    body = """    async def prompt(self, session, blocks):
        for url in ("https://granted.invalid/", "https://other.invalid/"):
            try:
                async with fetch(url):
                    pass
            except OSError as error:
                session.say(f"{type(error).__name__} ")
"""
    folder.write(body)
    manifest = folder.path / "agent.toml"
    manifest.write_text(manifest.read_text().replace("network = []", 'network = ["granted.invalid"]'))
    assert vm.session(folder.name).say("") == "OSError PermissionError "


def test_its_sessions_go_with_forks_and_exports(
    api: Api, make_vm: Callable[..., Vm], folder: Folder, tmp_path: Path
) -> None:
    vm = make_vm()
    session = vm.session(folder.name)
    session.say("one")
    fork, copy = fresh_name("fork"), fresh_name("copy")
    vm.call("vm.fork", to=fork)
    vm.call("vm.export", path=str(tmp_path / "export"))
    api.call("vm.import", vm=copy, path=str(tmp_path / "export"))
    for name in (fork, copy, vm.name):
        answer = api.call("sendPrompt", vm=name, sessionId=session.id, prompt="two")["text"]
        assert answer.startswith("This is turn 2, and you said: two"), name
    for name in (fork, copy):
        api.call("vm.destroy", vm=name)


def test_the_sdk_is_compiled_already(vm: Vm) -> None:
    """Else each session compiled it. What is compiled is of the sources that are there; -B leaves it as it is."""
    program = """
import importlib.util, pathlib, torpor_agent
for source in sorted(pathlib.Path(torpor_agent.__file__).parent.glob("*.py")):
    compiled = pathlib.Path(importlib.util.cache_from_source(source)).read_bytes()
    assert compiled[4] == 3 and compiled[8:16] == importlib.util.source_hash(source.read_bytes()), source
    print(source.stem)
"""
    done = vm.call("exec", argv=["python3", "-B", "-c", program])
    assert (done["exitCode"], "wire" in done["stdout"].split()) == (0, True), done["stderr"]


def test_what_its_manifest_lists_is_installed_when_it_is_added(
    vm: Vm, daemon: Daemon, folder: Folder, tmp_path: Path
) -> None:
    folder.answers("__import__('tiny').NAME")
    manifest = folder.path / "agent.toml"
    manifest.write_text(manifest.read_text() + 'dependencies = ["tiny == 1.0"]\n')
    assert "its dependencies are not installed" in str(vm.error("createSession", agentType=folder.name))
    with tiny_index(tmp_path / "index") as host:
        added = folder.add(daemon, "--index-url", f"http://{host}/simple")
        assert added.stderr.splitlines() == [
            "torpor: installing tiny == 1.0",
            f"torpor: {folder.name} can be run: {folder.name.replace('-', ' ').capitalize()} 0.1.0",
        ]
        assert vm.session(folder.name).say("") == "tiny"
        assert "installing" not in folder.add(daemon).stderr, "they are there"
        manifest.write_text(manifest.read_text().replace("1.0", "2.0"))
        failed = folder.add(daemon, "--index-url", f"http://{host}/simple")
    assert (failed.returncode, "pip did not install them" in failed.stderr) == (1, True), failed.stderr
    assert sorted(each.name for each in folder.path.iterdir()) == ["agent.py", "agent.toml", "packages"]
    assert [each["vm"] for each in vm.api.call("vm.list")] == [vm.name]


@pytest.mark.parametrize("place", ["here", "executable"])
def test_it_is_tested_by_its_path(folder: Folder, tmp_path: Path, place: str) -> None:
    folder.is_tested(tmp_path, place)


def test_dev_prompts_at_each_edit(daemon: Daemon, folder: Folder) -> None:
    answers = "    async def prompt(self, session, blocks):\n        print('to see')\n        session.say('{}\\n')"
    said = folder.dev(daemon, [answers.format("edited"), "    this is no Python", answers.format("mended")])
    assert any("SyntaxError" in line for line in said)
