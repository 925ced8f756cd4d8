"""The examples of agents do what the documentation says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.agents.conftest import Bench

LONG = "word " * 40_000 + "end"
"""More than a pipe takes at once, in either direction."""


async def test_javascript_example(bench: Bench) -> None:
    created = await bench.start("hello-js")
    assert created["agentInfo"]["name"] == "hello-js"
    assert await bench.say("Ada") == "Hello, Ada! You are number 1."
    assert await bench.say(LONG) == f"Hello, {LONG}! You are number 2."
    assert await bench.say("Grace") == "Hello, Grace! You are number 3."
    assert await bench.read("/home/user/guests.txt") == f"Ada\n{LONG}\nGrace\n".encode()


async def test_python_example(bench: Bench) -> None:
    await bench.write("/home/user/poem.txt", b"so much depends\nupon\n")
    await bench.start("hello-py")
    assert await bench.say("poem.txt none.txt") == "poem.txt: 4 words\nnone.txt: No such file or directory\n"
    long = LONG.replace(" ", "-")
    assert (await bench.say(long)).startswith(f"{long}: ")


async def test_c_example(bench: Bench) -> None:
    created = await bench.start("hello-c")
    assert created["agentInfo"]["name"] == "hello-c"
    assert await bench.say('milk, and 1 "egg"') == "Noted as number 1."
    blocks = [{"type": "text", "text": "zwölf\n€ \\u"}, {"type": "text", "text": " \U0001f600 \x01"}]
    assert (await bench.ask(blocks))["text"] == "Noted as number 2."
    noted = 'milk, and 1 "egg"\nzwölf € \\u \U0001f600 \x01\n'
    assert await bench.read("/home/user/notes.txt") == noted.encode()
