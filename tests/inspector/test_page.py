"""What the page shows, as it happens."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from runtime.api.defaults import FILE_BYTES, FILES, TRANSCRIPT_BYTES
from tests.system.daemon import Vm

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def place(session, view=""):
    return f"#/vm/{session.vm.name}/session/{session.id}{view}"


def transcript(page: Page) -> Locator:
    return page.get_by_role("log")


def test_from_the_list_of_vms_to_a_session(visit, vm):
    session = vm.session()
    session.prompt("title A walk;say Good morning.")
    page = visit()
    page.get_by_role("main").get_by_role("link", name=vm.name).click()
    expect(page.get_by_role("heading", name=vm.name)).to_be_visible()
    expect(page.get_by_role("meter", name="Files")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="A walk").click()
    expect(transcript(page).get_by_text("Good morning.", exact=True)).to_be_visible()
    expect(page).to_have_title(f"A walk – {vm.name} – Torpor")


def test_meters_know_the_defaults_of_limits(visit, vm):
    page = visit(f"#/vm/{vm.name}")
    meters = page.locator(".meter")
    expect(meters.filter(has_text="Files")).to_contain_text(f"of {FILE_BYTES // 2**30} GiB")
    expect(meters.filter(has_text="Entries")).to_contain_text(f"of {FILES // 10**6}M")
    expect(meters.filter(has_text="Transcripts")).to_contain_text(f"of {TRANSCRIPT_BYTES / 2**30:.1f} GiB")


def test_a_vm_that_comes_and_one_that_falls_asleep(visit, vm, api):
    page = visit()
    listed = page.get_by_role("navigation", name="VMs and sessions")
    expect(listed.get_by_role("link", name=vm.name)).to_be_visible()
    other = Vm(api, f"{vm.name}-later")
    expect(listed.get_by_role("link", name=other.name)).to_be_visible()
    page.goto(page.url.split("#")[0] + f"#/vm/{vm.name}")
    vm.session()
    expect(page.get_by_role("button", name="Put to sleep")).to_be_visible()
    page.get_by_role("button", name="Put to sleep").click()
    expect(page.get_by_role("button", name="Wake")).to_be_visible()
    assert vm.state() == "asleep"


def test_a_session_that_is_not_there_is_asked_for_once(visit, vm, api):
    page = visit()
    asked: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda text: asked.append(json.loads(text)["method"])))
    page.reload()
    page.goto(page.url.split("#")[0] + f"#/vm/{vm.name}/session/nobody")
    expect(page.get_by_role("main").get_by_text("nobody")).to_be_visible()
    other = Vm(api, f"{vm.name}-later")
    expect(page.get_by_role("link", name=other.name)).to_be_visible()
    assert asked.count("getSession") == 1


def test_what_was_typed_is_of_one_session_alone(visit, vm, api):
    one, other = (each.session(sessionId="main") for each in (vm, Vm(api, f"{vm.name}-other")))
    page = visit(place(one))
    page.get_by_label("Prompt").fill("for this one")
    page.goto(page.url.split("#")[0] + place(other))
    expect(page.get_by_role("link", name=other.vm.name, exact=True).last).to_be_visible()
    expect(page.get_by_label("Prompt")).to_have_value("")
    page.goto(page.url.split("#")[0] + place(one))
    expect(page.get_by_label("Prompt")).to_have_value("for this one")


def test_a_session_is_started_and_spoken_to(visit, vm):
    page = visit(f"#/vm/{vm.name}")
    page.get_by_role("button", name="Echo", exact=True).click()
    page.get_by_label("Prompt").fill("say Hello there.")
    page.get_by_label("Prompt").press("Enter")
    expect(transcript(page).get_by_text("Hello there.", exact=True)).to_be_visible()
    expect(page.get_by_label("Prompt")).to_have_value("")
    expect(transcript(page).get_by_text("Done")).to_be_visible()


def test_all_that_a_turn_has(visit, vm):
    session = vm.session()
    page = visit(place(session))
    # By another client, while the page looks on.
    session.prompt("thought I wonder.;plan;toolcall notes.md;stderr careful;usage 30 100 0.25;say Done it.;tokens 20 5")
    shown = transcript(page)
    expect(shown.get_by_text("Done it.", exact=True)).to_be_visible()
    shown.get_by_text("Thought", exact=True).click()
    expect(shown.get_by_text("I wonder.", exact=True)).to_be_visible()
    expect(shown.get_by_role("heading", name="Plan")).to_be_visible()
    expect(shown.get_by_role("table", name="changes of /home/user/notes.md")).to_be_visible()
    expect(shown.get_by_label("stderr")).to_contain_text("careful")
    expect(shown.get_by_text("25 tokens")).to_be_visible()
    expect(page.get_by_text("0.25 USD").last).to_be_visible()
    expect(page.get_by_text("context 30 % of 100")).to_be_visible()


def test_a_failed_turn_says_why(visit, vm):
    session = vm.session()
    session.error("sendPrompt", prompt="fail The model is away.")
    page = visit(place(session))
    expect(transcript(page).get_by_role("alert")).to_contain_text("The model is away.")


def test_markdown_is_laid_out(visit, vm):
    session = vm.session()
    session.prompt(
        r"say # Title\n\nSome **strong** and *soft* words, `code`, <https://example.com/a> and\n[a page](https://example.org/b).\n\n"
        r"- one\n- two\n\n```\nx = 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    )
    shown = transcript(visit(place(session))).locator(".markdown")
    expect(shown.get_by_role("heading", name="Title")).to_be_visible()
    expect(shown.locator("strong")).to_have_text("strong")
    expect(shown.locator("em")).to_have_text("soft")
    expect(shown.locator("li")).to_have_text(["one", "two"])
    expect(shown.locator("pre")).to_have_text("x = 1")
    expect(shown.get_by_role("cell", name="2")).to_be_visible()
    links = shown.get_by_role("link")
    expect(links).to_have_text(["https://example.com/a", "a page (example.org)"])
    assert links.last.get_attribute("href") == "https://example.org/b"


@pytest.mark.parametrize(("head", "foot"), [("# a", "b"), ("~~~", "`"), ("1.", "\u2028b"), ("", "`" * 100_000 + "a")])
def test_a_line_that_is_long_and_almost_markdown(visit, vm, head, foot):
    session = vm.session()
    session.prompt(f"say {head}{' ' * 100_000}{foot}")
    expect(transcript(visit(place(session))).get_by_text("Done")).to_be_visible()


def test_of_a_very_long_answer_the_beginning_is_shown(visit, vm):
    session = vm.session()
    session.prompt(f"say {'word ' * 50_000}end")
    shown = transcript(visit(place(session)))
    expect(shown.locator(".markdown")).not_to_contain_text("word end")
    shown.get_by_role("button", name="more characters").click()
    expect(shown.locator(".markdown")).to_contain_text("word end")


def test_a_permission_is_answered(visit, vm):
    session = vm.session()
    turn = session.start("sendPrompt", prompt="permission Write to the disk")
    page = visit(place(session))
    asked = page.get_by_role("region", name="Permission")
    expect(asked.get_by_role("heading")).to_contain_text("Write to the disk")
    asked.get_by_role("button", name="Allow once").click()
    expect(transcript(page).get_by_text("permission: allow-once")).to_be_visible()
    expect(asked).to_have_count(0)
    expect(transcript(page).get_by_text("Allowed : Write to the disk")).to_be_visible()
    assert session.vm.api.result(turn)["stopReason"] == "end_turn"


def test_a_turn_is_stopped_and_what_was_typed_stays(visit, vm):
    session = vm.session()
    page = visit(place(session))
    page.get_by_label("Prompt").fill("sleep 600000")
    page.get_by_role("button", name="Send").click()
    page.get_by_label("Prompt").fill("say afterwards")
    page.get_by_role("button", name="Stop").click()
    expect(transcript(page).get_by_text("Cancelled")).to_be_visible()
    expect(page.get_by_label("Prompt")).to_have_value("say afterwards")
    page.get_by_role("button", name="Send").click()
    expect(transcript(page).get_by_text("afterwards", exact=True)).to_be_visible()


def test_model_and_mode_are_set(visit, vm):
    session = vm.session()
    page = visit(place(session))
    page.get_by_role("combobox", name="Model", exact=True).select_option("large")
    page.get_by_role("combobox", name="Mode", exact=True).select_option("code")
    expect(page.get_by_role("combobox", name="Mode", exact=True)).to_have_value("code")
    page.get_by_label("Prompt").fill("state")
    page.get_by_label("Prompt").press("Enter")
    expect(transcript(page).get_by_text("Done")).to_be_visible()
    details = session.call("getSession")
    assert details["modes"]["currentModeId"] == "code"
    assert next(each for each in details["configOptions"] if each["id"] == "model")["currentValue"] == "large"


def test_files_as_a_tree_and_as_they_change(visit, vm):
    session = vm.session()
    vm.write("/home/user/src/main.py", "print(1)\n")
    page = visit(place(session, "/files"))
    tree = page.get_by_role("tree", name="Files")
    tree.get_by_role("treeitem", name="src", exact=True).get_by_role("button").click()
    tree.get_by_role("treeitem", name="main.py").get_by_role("button").click()
    content = page.get_by_label("/home/user/src/main.py")
    expect(content).to_have_text("print(1)\n")
    session.prompt(r"fswrite src/main.py print(2)\nprint(3)\n")
    expect(content).to_have_text("print(2)\nprint(3)\n")
    vm.call("writeFile", path="/home/user/noise", content={"base64": "gIGC"})
    page.goto(page.url.split("?")[0] + "?path=/home/user/noise")
    expect(page.get_by_text("This is no text.")).to_be_visible()


def test_the_tree_is_walked_with_the_keyboard(visit, vm):
    vm.write("/home/user/a.txt", "by keys alone")
    page = visit(f"#/vm/{vm.name}/files")
    tree = page.get_by_role("tree", name="Files")
    expect(tree.get_by_role("treeitem", name="a.txt")).to_be_visible()
    tree.get_by_role("treeitem", name="home").get_by_role("button").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_label("/home/user/a.txt")).to_have_text("by keys alone")


def test_of_a_long_transcript_only_what_is_near_is_in_the_page(visit, vm):
    session = vm.session()
    session.prompt(";".join(f"toolcall file-{number}" for number in range(3400)))
    assert session.call("getSession")["lastSeq"] > 10_000
    page = visit(place(session))
    shown = transcript(page)
    expect(shown.get_by_text("/home/user/file-3399", exact=True).first).to_be_visible()
    assert shown.locator(".item").count() < 400
    shown.press("Home")
    expect(shown.get_by_text("/home/user/file-0", exact=True).first).to_be_visible()
    assert shown.locator(".item").count() < 400
    page.get_by_role("button", name="Latest").click()
    expect(shown.get_by_text("/home/user/file-3399", exact=True).first).to_be_visible()


def test_a_narrow_window(visit, vm):
    session = vm.session()
    session.prompt("toolcall a-name-that-is-rather-long-for-a-telephone.txt;say Small.")
    page = visit(place(session), viewport={"width": 390, "height": 780})
    expect(transcript(page).get_by_text("Small.", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("link", name=vm.name).click()
    page.get_by_role("link", name="VMs", exact=True).click()
    expect(page.get_by_role("heading", name="VMs")).to_be_visible()
    expect(page.get_by_role("main").get_by_role("link", name=re.compile(f"^{vm.name}"))).to_be_visible()
