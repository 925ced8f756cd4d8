"""What is typed: completions, files that go along, long pastes, answers to questions."""

from __future__ import annotations

import base64

import anyio
import pytest

from runtime.cli.chat import completing
from runtime.cli.chat.attachments import MAX_FILE, MAX_FILES, AttachmentError, content_blocks
from runtime.cli.chat.commands import parse, run
from runtime.cli.chat.completing import MAX_OFFERED, offers
from runtime.cli.chat.hold import MAX_HISTORY, history_file
from runtime.cli.chat.items import Tool
from runtime.cli.chat.lines import plain
from runtime.cli.chat.pasted import LONG, LONG_LINES, MAX_PASTED, Pasted
from runtime.cli.chat.questions import Form, Permission
from runtime.cli.chat.state import Command
from runtime.client.errors import ConnectionLostError

ALL = {"promptCapabilities": {"image": True, "embeddedContext": True}}
PNG = b"\x89PNG\r\n\x1a\n..."
COMMANDS = [Command("model", "m"), Command("mode", "o"), Command("skill:mo", "s"), Command("undo", "u")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").write_text("x = 1\n")
    (tmp_path / "a b.txt").write_text("blank\n")
    (tmp_path / ".hidden").write_text("h")
    (tmp_path / "p.png").write_bytes(PNG)
    return tmp_path


def test_commands_are_offered_at_the_beginning_of_a_prompt():
    assert [each.text for each in offers("/mo", COMMANDS)] == ["/model ", "/mode ", "/skill:mo "]
    assert [each.text for each in offers("/", COMMANDS)][-1] == "/undo "
    assert offers("/model x", COMMANDS) == offers("see /mo", COMMANDS) == offers("/home/u", COMMANDS) == []
    many = [Command(f"c{number}", "") for number in range(2 * MAX_OFFERED)]
    assert len(offers("/c", many)) == MAX_OFFERED


def applied(before, offer):
    return before[: len(before) - offer.back] + offer.text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("see @", ['see @"a b.txt" ', "see @p.png ", "see @src/"]),
        ("see @S", ["see @src/"]),
        ("@src/", ["@src/main.py "]),
        ("@.h", ["@.hidden "]),
        ('@"a', ['@"a b.txt" ']),
        ('@"src/m', ['@"src/main.py" ']),
        ("me@p", []),
        ("@nowhere/", []),
        ("no file", []),
    ],
)
def test_files_are_offered_after_an_at(folder, before, after):
    assert [applied(before, offer) for offer in offers(before, COMMANDS)] == after


def test_of_a_large_folder_so_much_is_looked_at(folder, monkeypatch):
    monkeypatch.setattr(completing, "MAX_LISTED", 2)
    assert len(offers("@", COMMANDS)) <= 2
    (folder / 'q"uote').touch()
    (folder / "line\nend").touch()
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert [each.shown for each in offers("@", COMMANDS)] == ["a b.txt", "p.png", "src/"]


def test_files_that_a_prompt_names_go_along(folder):
    text = 'see @src/main.py, @p.png and @"a b.txt", not @nobody or me@p.png'
    first, *files = content_blocks(text, ALL)
    assert first == {"type": "text", "text": text}
    uri = (folder / "src" / "main.py").resolve().as_uri()
    assert files[0] == {"type": "resource", "resource": {"uri": uri, "mimeType": "text/plain", "text": "x = 1\n"}}
    assert (files[1]["mimeType"], base64.b64decode(files[1]["data"])) == ("image/png", PNG)
    assert files[2]["resource"]["text"] == "blank\n"
    assert len(files) == 3
    assert content_blocks("nothing @nobody", ALL) == "nothing @nobody"
    assert content_blocks("@src/main.py", {})[1]["text"].endswith("main.py:\n\nx = 1\n")


def test_files_that_cannot_go_along(folder):
    (folder / "large").write_bytes(b"x" * (MAX_FILE + 1))
    (folder / "binary").write_bytes(b"\xff\x00")
    (folder / "exact").write_bytes(b"x" * MAX_FILE)
    for name in range(MAX_FILES + 1):
        (folder / str(name)).touch()
    for text, reason in (
        ("@large", "larger than 4 MiB"),
        ("@binary", "neither text nor an image"),
        (" ".join(f"@{name}" for name in range(MAX_FILES + 1)), f"takes {MAX_FILES} files"),
    ):
        with pytest.raises(AttachmentError, match=reason):
            content_blocks(text, ALL)
    with pytest.raises(AttachmentError, match="takes no images"):
        content_blocks("@p.png", {})
    assert len(content_blocks("@exact " + " ".join(f"@{name}" for name in range(MAX_FILES - 1)), ALL)) == MAX_FILES + 1


def test_what_is_a_command():
    assert parse("/model claude 4 ") == ("model", "claude 4")
    assert parse("/quit") == ("quit", "")
    assert parse("/home/user is my folder") is None
    assert parse("say /quit") is None


def test_an_error_of_a_command_is_shown_and_ends_nothing():
    error = ConnectionLostError("the daemon went away")
    shown: list[Exception] = []

    class Conversation:
        note_error = staticmethod(shown.append)

        async def turn_starts(self) -> list[int]:
            raise error

    anyio.run(run, Conversation(), "diff", "")
    assert shown == [error]


def test_long_pastes_are_placeholders():
    pasted = Pasted()
    assert pasted.put("a\r\nb") == "a\nb"
    lines = "\n".join("x" * LONG_LINES)
    assert pasted.put(lines) == f"[pasted 1: {LONG_LINES} lines]"
    assert pasted.put("y" * LONG) == "[pasted 2: 1 lines]"
    assert pasted.put("z" * MAX_PASTED) is None
    assert pasted.expanded(f"see [pasted 1: {LONG_LINES} lines]!") == f"see {lines}!"
    pasted.clear()
    assert pasted.put("z" * MAX_PASTED) is not None


def test_the_file_of_what_was_typed_is_ones_own_and_of_a_size(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = history_file()
    assert path is not None
    assert path.stat().st_mode & 0o777 == 0o600
    entry = "\n# 2026-01-01\n+{}\n"
    path.write_text("".join(entry.format(f"prompt {number:08}") for number in range(MAX_HISTORY // 20)))
    last = path.read_text()[-100:]
    assert history_file() == path
    kept = path.read_text()
    assert len(kept) < MAX_HISTORY // 2
    assert kept.startswith("\n# 2026-01-01\n+prompt ")
    assert kept.endswith(last)
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert history_file() is None


OPTIONS = [
    {"optionId": "a", "name": "Allow", "kind": "allow_once"},
    {"optionId": "r", "name": "Reject", "kind": "reject_once"},
    "none",
]


def test_permissions():
    tool = Tool("1")
    tool.merge({"title": "Edit", "content": [{"type": "diff", "path": "/a", "newText": "x\n"}]})
    asked = Permission({"permissionId": "p", "toolCall": {"title": "Edit a"}, "options": OPTIONS}, tool)
    assert [plain(line) for line in asked.lines(40)] == ["? Allow: Edit a", "  /a +1", "  1 + x"]
    assert [plain(line) for line in asked.choices(40)] == ["› 1. Allow", "  2. Reject"]
    assert asked.answer(asked.place_of("reject_always", "reject_once")) == (
        "respondPermission",
        {"permissionId": "p", "optionId": "r"},
    )
    assert asked.answer(asked.place_of("no_such_kind")) == (
        "respondPermission",
        {"permissionId": "p", "reply": "reject"},
    )


def test_forms():
    schema = {
        "properties": {
            "name": {"type": "string"},
            "size": {"type": "integer", "default": 3},
            "kind": {"type": "string", "enum": ["x", "y"]},
        },
        "required": ["name"],
    }
    form = Form({"questionId": "q", "mode": "form", "message": "Which?", "requestedSchema": schema})
    assert [plain(line) for line in form.lines(40)] == ["? Which?", "  name"]
    form.type("me")
    form.type("many")
    assert [plain(line) for line in form.lines(40)][1:] == ["  size [3]", "  integer expected"]
    form.type("")
    assert [plain(line) for line in form.lines(40)][1:] == ["  1. x", "  2. y", "  kind"]
    assert not form.is_answered
    form.type("2")
    content = {"name": "me", "size": 3, "kind": "y"}
    assert form.is_answered
    assert form.answer() == ("respondElicitation", {"questionId": "q", "action": "accept", "content": content})
    assert form.answer("cancel") == ("respondElicitation", {"questionId": "q", "action": "cancel"})
    form = Form({"questionId": "q", "mode": "form", "message": "Which?", "requestedSchema": schema})
    form.type("")
    assert form.answer()[1]["action"] == "decline"


@pytest.mark.parametrize(("typed", "action"), [("y", "accept"), ("", "decline")])
def test_pages(typed, action):
    page = Form({"questionId": "q", "mode": "url", "message": "Log in", "url": "https://a.example/\x1b[2J"})
    assert [plain(line) for line in page.lines(60)][1] == "  https://a.example/\ufffd[2J"
    page.type(typed)
    assert page.answer() == ("respondElicitation", {"questionId": "q", "action": action})
