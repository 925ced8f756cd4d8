"""Images: one that the model's API would refuse does not get into the conversation, and one that is in it does not stay."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from runtime.testing.messages_api import blocks_of
from runtime.testing.script import Failure, ToolCall, Turn, call, say
from runtime.testing.scripted_model import scripted_model
from tests.agents.conftest import open_bench
from tests.agents.pi import results

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.engine import Engine
    from runtime.testing.messages_api import ModelRequest
    from tests.agents.pi import Pi


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((width + 1) * height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND")


PNG = png(2, 2)
JPEG = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300" + "01" * 64 + "ffc0000b080001000101011100"
    "ffc4001f0000010501010101010100000000000000000102030405060708090a0bffda00080101003f00d2cfffd9"
)
GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
WEBP = bytes.fromhex("524946461a000000574542505650384c0d0000002f00000010071011118888fe0700")

IMAGES = {
    "a.png": (PNG, "image/png"),
    "a.jpg": (JPEG, "image/jpeg"),
    "a.gif": (GIF, "image/gif"),
    "a.webp": (WEBP, "image/webp"),
    "wrong.jpg": (PNG, "image/png"),
    "no-name": (GIF, "image/gif"),
}
NO_IMAGES = {
    "cut.png": PNG[:-6],
    "cut.jpg": JPEG[:-2],
    "cut.gif": GIF[:-1] + b"\x3b\1",
    "cut.webp": WEBP[:-3],
    "wide.png": png(9000, 1),
    "large.png": PNG[:-12] + chunk(b"teXt", bytes(4 * 1024 * 1024)) + chunk(b"IEND"),
    "huge.png": PNG[:-12] + chunk(b"teXt", bytes(12 * 1024 * 1024)) + chunk(b"IEND"),
    "flat.png": png(0, 1),
    "head.png": PNG[:20],
    "bytes.png": b"\0\1\2\3",
}
TEXTS = {"page.png": b"<html>404</html>", "drawing.svg": b"<svg/>", "drawing.png": b"<svg/>", "empty.png": b""}


def images(request: ModelRequest) -> list[str]:
    """The media types of all images in a request."""
    return [
        part["source"]["media_type"]
        for message in request.messages
        for block in blocks_of(message["content"])
        for part in (block, *(block["content"] if isinstance(block.get("content"), list) else []))
        if part["type"] == "image"
    ]


def particular(request: ModelRequest) -> Turn | Failure:
    """A model whose API takes no images at all, as the real one does not take some."""
    return Failure(400, "messages.2: Could not process image") if images(request) else say("fine")


def block(data: bytes, mime: str = "image/png") -> dict[str, Any]:
    return {"type": "image", "data": base64.b64encode(data).decode(), "mimeType": mime}


async def test_read_shows_what_is_an_image_whatever_its_name(pi: Pi) -> None:
    files = {**{name: data for name, (data, _) in IMAGES.items()}, **NO_IMAGES, **TEXTS}
    calls = tuple(ToolCall("read", {"path": name}) for name in files)
    async with pi.talking_to(Turn(calls), say("ok")) as (bench, model):
        for name, data in files.items():
            await bench.write(f"/home/user/{name}", data)
        assert await bench.say("look") == "ok"
        request = model.requests[-1]
        assert images(request) == [mime for _, mime in IMAGES.values()]
        said = dict(zip(files, results(model), strict=True))
        failed = {name for name, result in zip(files, request.tool_results(), strict=True) if result["is_error"]}
        assert failed == set(NO_IMAGES)
        assert all("cannot be looked at" in said[name] for name in NO_IMAGES)
        assert "bytes, and an image may have" in said["large.png"]
        assert "bytes, and an image may have" in said["huge.png"]
        assert said["page.png"] == "<html>404</html>"
        assert said["empty.png"] == ""


async def test_images_of_a_prompt_are_checked(pi: Pi) -> None:
    blocks = [
        block(PNG),
        block(PNG, "image/jpeg"),
        block(GIF, "image/gif"),
        block(b"hello"),
        block(b"<svg/>", "image/svg+xml"),
        block(PNG[:-6]),
        {
            "type": "resource",
            "resource": {"uri": "u:1", "blob": base64.b64encode(PNG).decode(), "mimeType": "image/png"},
        },
        {"type": "resource", "resource": {"uri": "u:2", "blob": "AAAA", "mimeType": "application/pdf"}},
    ]
    async with pi.talking_to(say("ok")) as (bench, model):
        await bench.ask([{"type": "text", "text": "look"}, *blocks])
        request = model.requests[0]
        assert images(request) == ["image/png", "image/png", "image/gif", "image/png"]
        (prompt,) = request.prompts()
        assert prompt.count("An image that cannot be looked at") == 3
        assert "(u:2: application/pdf, which cannot be shown)" in prompt


async def test_a_prompt_of_an_image_alone_that_is_none_is_still_a_prompt(pi: Pi) -> None:
    async with pi.talking_to(say("ok")) as (bench, model):
        assert (await bench.ask([block(b"hello")]))["text"] == "ok"
        assert "An image that cannot be looked at" in model.requests[0].prompts()[0]


async def test_an_image_that_the_api_refuses_does_not_stay(engine: Engine, tmp_path: Path) -> None:
    """What is wrong within an image only the API sees. It costs one request, and not the session."""

    def script(request: ModelRequest) -> Turn | Failure:
        return call("read", path="a.png") if len(request.messages) == 1 else particular(request)

    async with scripted_model(script) as model:
        options = {"network": {"allow": [model.url.removeprefix("http://")]}}
        async with open_bench(engine, tmp_path / "state.db", options) as bench:
            await bench.start("pi", ANTHROPIC_API_KEY="key", ANTHROPIC_BASE_URL=model.url)
            await bench.write("/home/user/a.png", PNG)
            assert await bench.say("look") == "fine"
            assert [images(request) for request in model.requests] == [[], ["image/png"], []]
            assert "the model's API has refused it" in results(model)[0]
            assert await bench.say("again") == "fine"
            await bench.sleep()
            assert await bench.say("and after a sleep") == "fine"
            assert len(model.requests) == 5, "it was refused once, and is never sent again"


async def test_only_the_new_images_go_where_older_ones_were_taken(pi: Pi) -> None:
    script = (say("nice"), Failure(400, "image exceeds the maximum"), say("fine"), say("still"))
    async with pi.talking_to(*script) as (bench, model):
        await bench.ask([{"type": "text", "text": "one"}, block(PNG)])
        assert (await bench.ask([{"type": "text", "text": "two"}, block(GIF)]))["text"] == "fine"
        assert await bench.say("three") == "still"
        assert [images(request) for request in model.requests] == [
            ["image/png"],
            ["image/png", "image/gif"],
            ["image/png"],
            ["image/png"],
        ]


@pytest.mark.parametrize("failure", [Failure(413, "Request exceeds the maximum size"), Failure(400, "too many images")])
async def test_a_conversation_that_has_too_many_goes_on_without(pi: Pi, failure: Failure) -> None:
    async with pi.talking_to(say("one"), failure, say("fine")) as (bench, model):
        await bench.ask([{"type": "text", "text": "one"}, block(PNG)])
        assert await bench.say("two") == "fine"
        assert images(model.requests[-1]) == []


async def test_other_refusals_cost_no_images(pi: Pi) -> None:
    async with pi.talking_to(say("one"), Failure(400, "messages: roles must alternate"), say("fine")) as (bench, model):
        await bench.ask([{"type": "text", "text": "one"}, block(PNG)])
        with pytest.raises(Exception, match="roles must alternate"):
            await bench.ask("two")
        assert await bench.say("three") == "fine"
        assert images(model.requests[-1]) == ["image/png"]


async def test_a_history_that_has_one_is_mended(pi: Pi) -> None:
    """Conversations of older versions have what was read as it was."""
    async with pi.talking_to(say("one"), say("fine")) as (bench, model):
        await bench.ask([{"type": "text", "text": "one"}, block(PNG)])
        (name,) = await (await bench.host.vm("test")).files.readdir("/root/.torpor/pi")
        journal = f"/root/.torpor/pi/{name}"
        kept = (await bench.read(journal)).decode().splitlines()
        entries = [json.loads(line) for line in kept]
        for entry in entries:
            for part in entry.get("message", {}).get("content", []):
                if part["type"] == "image":
                    part["data"] = base64.b64encode(b"<html>404</html>").decode()
        await bench.sleep()
        await bench.write(journal, "".join(json.dumps(entry) + "\n" for entry in entries).encode())
        assert await bench.say("two") == "fine"
        assert images(model.requests[-1]) == []
        assert "it is no PNG" in model.requests[-1].prompts()[0]
