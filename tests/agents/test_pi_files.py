"""The other tools and files: paths as a shell takes them, texts of every kind, and what is said about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.testing.script import ToolCall, Turn, say
from tests.agents.pi import results

if TYPE_CHECKING:
    from tests.agents.pi import Pi

PATHS = {
    "f": "/home/user/f",
    "./sub//./f": "/home/user/sub/f",
    "~/f2": "/home/user/f2",
    "../f3": "/home/f3",
    "/tmp/f4": "/tmp/f4",  # noqa: S108 - the VM's
    "sub/~": "/home/user/sub/~",
    "~user": "/home/user/~user",
    "@f": "/home/user/@f",
    "$HOME": "/home/user/$HOME",
    " f ": "/home/user/ f ",
    "a\u00a0b\u202fc\u3000d": "/home/user/a\u00a0b\u202fc\u3000d",
    "'f'": "/home/user/'f'",
    "e\u0301": "/home/user/e\u0301",
    "link/../up": "/home/up",
}


async def test_paths_are_what_a_shell_makes_of_them(pi: Pi) -> None:
    writes = tuple(ToolCall("write", {"path": path, "content": path}) for path in PATHS)
    reads = tuple(ToolCall("read", {"path": path}) for path in PATHS)
    async with pi.talking_to(Turn(writes), Turn(reads), say("ok")) as (bench, model):
        vm = await bench.host.vm("test")
        await vm.files.mkdir("/home/other", True)
        await vm.files.symlink("/home/other", "/home/user/link")
        await bench.ask("go")
        assert {path: (await bench.read(real)).decode() for path, real in PATHS.items()} == {
            path: path for path in PATHS
        }
        assert results(model) == list(PATHS)


async def test_a_slash_at_the_end_says_that_a_directory_is_meant(pi: Pi) -> None:
    calls = (
        ToolCall("write", {"path": "sub/", "content": "x"}),
        ToolCall("read", {"path": "f/"}),
        ToolCall("ls", {"path": "~/"}),
        ToolCall("find", {"pattern": "f", "path": "./"}),
        ToolCall("grep", {"pattern": "text", "path": "/home/user/"}),
        ToolCall("ls", {"path": None}),
    )
    async with pi.talking_to(Turn(calls), say("ok")) as (bench, model):
        await bench.write("/home/user/f", b"text\r\n")
        await bench.ask("go")
        written, read, listed, found, grepped, here = results(model)
        assert written.startswith("EISDIR")
        assert read.startswith("ENOTDIR")
        assert (listed, found, grepped, here) == ("f", "f", "f:1: text", "f")


async def test_devices_are_no_files(pi: Pi) -> None:
    edits = [{"oldText": "a", "newText": "b"}]
    stdin = ("/dev/stdin", "/dev/fd/0", "in")
    calls = (
        *(ToolCall("read", {"path": path}) for path in (*stdin, "/dev/zero")),
        *(ToolCall("edit", {"path": path, "edits": edits}) for path in stdin),
        *(ToolCall("write", {"path": path, "content": "x"}) for path in (*stdin, "/dev/stdout", "/dev/null")),
        *(ToolCall("grep", {"pattern": "x", "path": path}) for path in stdin),
    )
    async with pi.talking_to(Turn(calls), say("ok")) as (bench, model):
        vm = await bench.host.vm("test")
        await vm.files.mkdir("/home/user", True)
        await vm.files.symlink("/dev/stdin", "/home/user/in")
        await bench.ask("go")
        for call, result in zip(calls, results(model), strict=True):
            assert result.endswith(" is a device, not a file"), (call, result)


async def test_read_gives_texts_as_they_are(pi: Pi) -> None:
    files = {
        "crlf": (b"a\r\nb\r\n", "a\r\nb\r\n"),
        "mixed": (b"a\r\nb\nc", "a\r\nb\nc"),
        "latin": (b"caf\xe9\n", "caf\ufffd\n"),
        "wide": ("\U0001f600" * 300, "\U0001f600" * 300),
    }
    calls = (*(ToolCall("read", {"path": name}) for name in files), ToolCall("read", {"path": "mixed", "offset": 3}))
    async with pi.talking_to(Turn(calls), say("ok")) as (bench, model):
        for name, (content, _) in files.items():
            await bench.write(f"/home/user/{name}", content.encode() if isinstance(content, str) else content)
        await bench.ask("go")
        assert results(model) == [*(text for _, text in files.values()), "c"]


async def test_write_is_to_the_letter(pi: Pi) -> None:
    contents = ("\ufeffa\r\nb", "a\rb", "", "no end", "half \ud83d of one")
    calls = tuple(ToolCall("write", {"path": f"f{n}", "content": text}) for n, text in enumerate(contents[:-1]))
    broken = ToolCall("write", raw_input='{"path": "f4", "content": "half \\ud83d of one"}')
    async with pi.talking_to(Turn((*calls, broken)), say("ok")) as (bench, _):
        await bench.write("/home/user/f2", b"something longer")
        await bench.ask("go")
        for number, text in enumerate(contents):
            assert (await bench.read(f"/home/user/f{number}")).decode() == text.replace("\ud83d", "\ufffd")
