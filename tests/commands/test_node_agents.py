"""Agents in JavaScript without a build, in VMs of a real daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.api.events import AGENT_STDERR
from tests.commands.agent_folders import Language, new_folder, running_with_agents
from tests.commands.built import needs
from tests.commands.registry import npm_registry
from tests.patience import WAIT
from tests.system.daemon import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.commands.agent_folders import Folder
    from tests.commands.web import Web
    from tests.system.daemon import Api, Daemon, Vm

pytestmark = needs("bash", "coreutils", "node")

JAVASCRIPT = Language(
    "javascript",
    "agent.mjs",
    'import { execFileSync } from "node:child_process";\nimport * as fs from "node:fs";\n'
    'import { Agent, lines, run } from "torpor-agent";\nclass Scribe extends Agent {\n',
    "\n}\nrun(new Scribe());\n",
    "async prompt(session, blocks) { session.say(String({})); }",
)


@pytest.fixture(scope="module")
def daemon(component_cache: Path, scratch: Path) -> Iterator[Daemon]:
    """One with agents of its own."""
    with running_with_agents(component_cache, scratch) as daemon:
        yield daemon


@pytest.fixture
def folder(api: Api, tmp_path: Path) -> Iterator[Folder]:
    """One that `torpor agent new` has made."""
    with new_folder(api, tmp_path, JAVASCRIPT) as folder:
        yield folder


def test_what_new_has_made_answers_and_an_edit_is_there_at_the_next_session(vm: Vm, folder: Folder) -> None:
    session = vm.session(folder.name)
    assert session.info["agentInfo"]["name"] == folder.name
    assert session.say("hi") == "This is turn 1, and you said: hi\n/home/user has 2 entries.\n"
    folder.answers("'edited: ' + blocks.text")
    assert vm.session(folder.name).say("hi") == "edited: hi"
    assert session.say("again").startswith("This is turn 2, and you said: again"), "it runs what it has begun with"
    vm.sleep()
    folder.answers("[session.resumed, JSON.stringify(session.state)]")
    assert session.say("after the night") == 'true,{"turn":2}'


def test_modules_and_files_of_the_folder_are_there_and_only_read(vm: Vm, folder: Folder) -> None:
    (folder.path / "node_modules" / "helper").mkdir(parents=True)
    (folder.path / "node_modules" / "helper" / "index.js").write_text("exports.file = `${__dirname}/a.txt`;")
    (folder.path / "node_modules" / "helper" / "a.txt").write_text("data")
    body = """async prompt(session) {
      const { file } = await import("helper");
      let text = fs.readFileSync(file, "utf8");
      try {
        fs.writeFileSync(import.meta.filename, "mine");
      } catch (error) {
        text += ` ${error.code}`;
      }
      const { TORPOR_INSTRUCTIONS, A } = process.env;
      session.say(`${text} ${process.cwd()} ${TORPOR_INSTRUCTIONS.slice(0, 13)} ${A} ${process.argv.slice(2)}`);
    }"""
    folder.write(body)
    folder.manifest("network = []", 'args = ["-x"]\nenv = {A = "of the manifest"}')
    assert vm.session(folder.name).say("") == "data EROFS /home/user # The machine of the manifest -x"
    assert vm.session(folder.name, env={"A": "of the session"}).say("").endswith("# The machine of the session -x")


def test_one_in_typescript(vm: Vm, folder: Folder) -> None:
    folder.manifest("agent.mjs", "agent.ts")
    (folder.path / "agent.ts").write_text("""
import { Agent, run, type Blocks, type Session } from "torpor-agent";
class Scribe extends Agent {
  override async prompt(session: Session<{ turn?: number }>, blocks: Blocks): Promise<void> {
    session.say(blocks.text as string);
  }
}
run(new Scribe());
""")
    assert vm.session(folder.name).say("typed") == "typed"


@pytest.mark.parametrize(
    ("text", "why"),
    [("const x = (;\n", "SyntaxError:"), ('import "nothing";\n', "Cannot find package 'nothing' imported from")],
)
def test_an_agent_that_does_not_begin_says_why(vm: Vm, folder: Folder, text: str, why: str) -> None:
    (folder.path / "agent.mjs").write_text(text)
    error = vm.error("createSession", agentType=folder.name)
    assert (error.data["code"], error.data["phase"]) == ("agent_failed", "initialize")
    assert why in error.data["stderr"]
    assert f"/root/.torpor/agents/{folder.name}/agent.mjs" in error.data["stderr"]
    assert why in str(vm.api.error("checkAgent", path=str(folder.path)))


def test_a_vm_without_the_base_system_says_so(make_vm: Callable[..., Vm], folder: Folder) -> None:
    error = make_vm(base="none").error("createSession", agentType=folder.name)
    assert "is run by /usr/bin/node, which this VM does not have" in str(error)


def test_files_and_commands_are_those_of_the_vm(vm: Vm, folder: Folder) -> None:
    body = """async prompt(session) {
      await session.write("a/b.txt", "one\\ntwo\\n");
      const ran = await session.run(["cat", "a/b.txt"]);
      const failed = await session.run("echo no >&2; exit 3", { cwd: "a" });
      const louder = execFileSync("tr", ["a-z", "A-Z"], { input: fs.readFileSync("a/b.txt"), encoding: "utf8" });
      session.say(JSON.stringify([ran, failed, louder, await session.read("a/b.txt", 2, 1)]));
    }"""
    folder.write(body)
    ran = r'{"exitCode":0,"signal":null,"output":"one\ntwo\n","truncated":false}'
    failed = r'{"exitCode":3,"signal":null,"output":"no\n","truncated":false}'
    assert vm.session(folder.name).say("") == rf'[{ran},{failed},"ONE\nTWO\n","two\n"]'


@pytest.mark.parametrize("waits", ['session.run("sleep 1000")', "session.wait(new Promise(() => {}))"])
def test_a_turn_is_cancelled(vm: Vm, folder: Folder, waits: str) -> None:
    folder.write(f'async prompt(session) {{ session.say("begun"); await {waits}; }}')
    session = vm.session(folder.name)
    session.subscribe()
    pending = session.begin("go")
    session.call("cancelPrompt")
    assert vm.api.result(pending)["stopReason"] == "cancelled"
    folder.answers("'well'")
    assert vm.session(folder.name).say("again") == "well"


def test_what_is_printed_and_what_nobody_awaits_is_in_the_transcript(vm: Vm, folder: Folder) -> None:
    body = """async prompt(session) {
      console.log("to", { see: 1 });
      Promise.reject(new RangeError("nobody awaits me"));
      setTimeout(() => session.say("later"));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }"""
    folder.write(body)
    session = vm.session(folder.name)
    assert session.say("") == "later"
    events = [each["event"] for each in session.events()]
    told = "".join(event["params"]["text"] for event in events if event["method"] == AGENT_STDERR)
    assert "to { see: 1 }\n" in told
    assert "nobody waits for it: RangeError: nobody awaits me" in told


def test_http_comes_while_others_go_on(make_vm: Callable[..., Vm], folder: Folder, web: Web) -> None:
    body = f"""async prompt(session) {{
      const asked = {{ method: "POST", body: JSON.stringify({{ a: 1 }}), headers: {{ "x-key": process.env.KEY }} }};
      const response = await session.fetch("{web.url}/echo/a", asked);
      const found = await Array.fromAsync(lines(response));
      session.say(`${{response.status}} ${{found[0]}} ${{found.at(-1)}} ${{found.includes("x-key: sealed")}}`);
      for await (const line of lines(await session.fetch("{web.url}/large"))) {{
        session.say(` ${{line.length > 0}}`);
        break;
      }}
      session.say(` ${{(await session.fetch("{web.url}/status/404")).status}}`);
      await session.fetch("http://127.0.0.1:1/").catch((error) => session.say(` ${{error.name}}`));
      await session.fetch("{web.url}/silent");
      session.say("never");
    }}"""
    folder.write(body)
    vm = make_vm(network={"allow": [web.host, "127.0.0.1:1"]})
    session = vm.session(folder.name, env={"KEY": "sealed"})
    session.subscribe()
    pending = session.start("sendPrompt", prompt="go")
    assert web.asked.wait(WAIT)
    session.call("cancelPrompt")
    assert vm.api.result(pending)["stopReason"] == "cancelled"
    assert text_of(session.events()) == '200 POST /echo/a {"a":1} true true 404 TypeError'


def test_what_its_manifest_lists_is_installed_when_it_is_added(vm: Vm, daemon: Daemon, folder: Folder) -> None:
    folder.answers("(await import('tiny')).default")
    folder.manifest("network = []", 'dependencies = ["tiny@^1.0"]')
    assert "its dependencies are not installed" in str(vm.error("createSession", agentType=folder.name))
    with npm_registry() as registry:
        registry.publish("tiny", "1.0.0", {"index.js": "module.exports = 'tiny';"})
        added = folder.add(daemon, "--index-url", registry.url)
        assert added.stderr.splitlines()[0] == "torpor: installing tiny@^1.0", added
        assert vm.session(folder.name).say("") == "tiny"
        registry.publish("tiny", "1.1.0", {"index.js": "module.exports = 'newer';"})
        folder.manifest("tiny@^1.0", "tiny@1")
        assert "installing" in folder.add(daemon, "--index-url", registry.url).stderr
        assert vm.session(folder.name).say("") == "tiny", "its lock file says which"
        assert "installing" not in folder.add(daemon).stderr, "it is there"
        folder.manifest("tiny@1", "tiny@2")
        failed = folder.add(daemon, "--index-url", registry.url)
    assert (failed.returncode, "npm did not install them" in failed.stderr) == (1, True), failed.stderr
    files = ["agent.mjs", "agent.toml", "node_modules", "package-lock.json"]
    assert sorted(each.name for each in folder.path.iterdir()) == files
    assert [each["vm"] for each in vm.api.call("vm.list")] == [vm.name]


PUBLISHED = """#!/usr/bin/env node
const { say } = require("./say.js");
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === "initialize") say({ id, result: { protocolVersion: 1, agentCapabilities: {} } });
  else if (method === "session/new") say({ id, result: { sessionId: "one" } });
  else if (method === "session/prompt") {
    const update = { sessionUpdate: "agent_message_chunk", content: { type: "text", text: `${process.argv[2]} hears` } };
    say({ method: "session/update", params: { sessionId: params.sessionId, update } });
    say({ id, result: { stopReason: "end_turn" } });
  }
});
"""


def test_its_entry_may_be_a_package_that_npm_installs(vm: Vm, daemon: Daemon, folder: Folder) -> None:
    """An agent as npm has them: nothing of it is in the folder, and it knows nothing of Torpor."""
    (folder.path / "agent.mjs").unlink()
    folder.manifest("agent.mjs", "node_modules/tiny-agent/cli.js")
    folder.manifest("network = []", 'dependencies = ["tiny-agent@1"]\nargs = ["--acp"]')
    assert "its dependencies are not installed" in str(vm.error("createSession", agentType=folder.name))
    say = "exports.say = (message) => console.log(JSON.stringify({ jsonrpc: '2.0', ...message }));"
    with npm_registry() as registry:
        registry.publish("tiny-agent", "1.0.0", {"cli.js": PUBLISHED, "say.js": say})
        added = folder.add(daemon, "--index-url", registry.url)
    assert added.returncode == 0, added.stderr
    assert vm.session(folder.name).say("") == "--acp hears"


@pytest.mark.parametrize("place", ["here", "executable"])
def test_it_is_tested_by_its_path(folder: Folder, tmp_path: Path, place: str) -> None:
    folder.is_tested(tmp_path, place)


def test_dev_prompts_at_each_edit(daemon: Daemon, folder: Folder) -> None:
    answers = 'async prompt(session) {{ console.log("to see"); session.say("{}\\n"); }}'
    said = folder.dev(daemon, [answers.format("edited"), "this is no JavaScript", answers.format("mended")])
    assert any("SyntaxError" in line for line in said)
