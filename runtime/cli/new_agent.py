"""What `agent new` writes: an agent that runs as it is, to be edited."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from runtime.cli import exits, output

if TYPE_CHECKING:
    import argparse

MANIFEST_OF = """\
id = "{{name}}"
title = "{{title}}"
version = "0.1.0"
kind = "{kind}"
entry = "{entry}"
# Public hosts that it may reach wherever it runs, such as "api.anthropic.com".
network = []
"""

PYTHON = {
    "agent.toml": MANIFEST_OF.format(kind="python", entry="agent.py"),
    "agent.py": '''\
"""An agent without a build: what is edited here is there at the next session."""

from torpor_agent import Agent, Blocks, Session, run


class MyAgent(Agent):
    name = "{name}"
    title = "{title}"

    async def prompt(self, session: Session, blocks: Blocks) -> None:
        turn = session.state["turn"] = session.state.get("turn", 0) + 1
        session.say(f"This is turn {{turn}}, and you said: {{blocks.text}}\\n")
        with session.tool_call("Look around", "execute") as call:
            ran = await session.run("ls -a | wc -l", call=call)
        session.say(f"{{session.cwd}} has {{ran.output.strip()}} entries.\\n")


run(MyAgent())
''',
}
"""The files of an agent in Python."""

JAVASCRIPT = {
    "agent.toml": MANIFEST_OF.format(kind="node", entry="agent.mjs"),
    "agent.mjs": """\
// An agent without a build: what is edited here is there at the next session.

import {{ Agent, run }} from "torpor-agent";

class MyAgent extends Agent {{
  name = "{name}";
  title = "{title}";

  async prompt(session, blocks) {{
    const turn = (session.state.turn = (session.state.turn ?? 0) + 1);
    session.say(`This is turn ${{turn}}, and you said: ${{blocks.text}}\\n`);
    const ran = await session.toolCall("Look around", "execute", (call) => session.run("ls -a | wc -l", {{ call }}));
    session.say(`${{session.cwd}} has ${{ran.output.trim()}} entries.\\n`);
  }}
}}

run(new MyAgent());
""",
}
"""The files of an agent in JavaScript."""

LANGUAGES = {"python": PYTHON, "javascript": JAVASCRIPT}
"""By what `--lang` calls them."""


def new(args: argparse.Namespace) -> int:
    """Write an agent's folder."""
    from pathlib import Path

    from runtime.vms.catalogue import NAME

    if NAME.fullmatch(args.name) is None:
        output.say(f"{args.name!r} is no name for an agent: letters, digits, and . _ - after the first, at most 64")
        return exits.USAGE
    names = {"name": args.name, "title": re.sub(r"[._-]+", " ", args.name).strip().capitalize() or args.name}
    folder = Path(args.directory or args.name)
    try:
        folder.mkdir(parents=True)
        for file, text in LANGUAGES[args.lang].items():
            (folder / file).write_text(text.format(**names), "utf-8")
    except OSError as error:
        output.say(f"{error.filename}: {error.strerror}")
        return exits.FAILED
    if args.json:
        output.write_json({"id": args.name, "directory": str(folder), "files": list(LANGUAGES[args.lang])})
    else:
        output.write_text(f"torpor agent add {shlex.quote(str(folder))}\ntorpor run {args.name} hello\n")
    return exits.OK
