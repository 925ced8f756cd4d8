"""Node's modules for guests (agents/sdk/node): what each does is tested by a program in a VM, tests/node/program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.node.conftest import ROOT

if TYPE_CHECKING:
    from tests.node.conftest import Modules

TESTS = (
    "buffer",
    "crypto",
    "zlib",
    "string_decoder",
    "fs",
    "fs_descriptors",
    "fs_promises",
    "fs_streams",
    "packed_files",
    "path",
    "url",
    "events",
    "stream",
    "readline",
    "timers",
    "os",
    "module",
    "util",
    "assert",
    "querystring",
    "unicode_classes",
    "async_hooks",
    "net",
    "spawn",
    "spawn_errors",
    "reading_a_device_lets_the_rest_go_on",
    "kill",
    "exec_file",
    "spawn_sync",
)


@pytest.mark.parametrize("test", TESTS)
async def test_a_module(modules: Modules, test: str) -> None:
    done = await modules.run(test)
    assert (done["exitCode"], done["stdout"]) == (0, f"test_{test}: ok\n"), done["stderr"]


async def test_process(modules: Modules) -> None:
    done = await modules.run("process", "a b", "", stdin=b"from stdin", env={"GREETING": "hello"})
    assert done["exitCode"] == 0, done["stderr"]


async def test_the_end_of_a_process(modules: Modules) -> None:
    done = await modules.run("process_exit")
    assert (done["exitCode"], done["stdout"]) == (7, "x" * 200_000 + "\nexit 7\n")


async def test_console(modules: Modules) -> None:
    done = await modules.run("console")
    assert done["stdout"] == "one is 1 { two: [ 2 ] }\ngroup\n  inside\ntest_console: ok\n"
    assert done["stderr"] == "wrong\n"


async def test_http(modules: Modules) -> None:
    done = await modules.run("http", modules.url)
    assert done["exitCode"] == 0, done["stderr"]


@pytest.mark.skipif(not (ROOT / "commands" / "dist" / "bash.wasm").is_file(), reason="the commands are not built")
async def test_shell(modules: Modules) -> None:
    done = await modules.run("shell")
    assert done["exitCode"] == 0, done["stderr"]
