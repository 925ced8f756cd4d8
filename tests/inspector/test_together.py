"""Two browsers, and a daemon that is started again."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.inspector.test_page import place, transcript


def test_two_browsers_see_the_same(visit, vm):
    session = vm.session()
    one, other = visit(place(session)), visit(place(session))
    one.get_by_label("Prompt").fill("permission Both may answer")
    one.get_by_label("Prompt").press("Enter")
    expect(one.get_by_role("button", name="Reject", exact=True)).to_be_visible()
    other.get_by_role("button", name="Allow once").click()
    for page in (one, other):
        expect(transcript(page).get_by_text("permission: allow-once")).to_be_visible()
        expect(page.get_by_role("region", name="Permission")).to_have_count(0)


def test_an_address_lets_one_browser_in(browser, inspect):
    address = inspect.address()
    first, second = browser.new_context(), browser.new_context()
    page = first.new_page()
    assert page.goto(address).status == 200
    assert "token" not in page.url
    assert page.reload().status == 200
    refused = second.new_page().goto(address)
    assert refused.status == 401
    assert "prints the next one" in refused.text()
    assert second.new_page().goto(inspect.address()).status == 200
    for context in (first, second):
        context.close()


def test_the_page_goes_on_when_the_daemon_does(visit, vm, daemon):
    session = vm.session(env={"ECHO_RESUME": "1"})
    session.prompt("say Before.")
    page = visit(place(session))
    expect(transcript(page).get_by_text("Before.", exact=True)).to_be_visible()
    daemon.kill()
    expect(page.get_by_role("status")).to_contain_text("The daemon is away")
    page.get_by_label("Prompt").fill("say After.")
    page.get_by_label("Prompt").press("Enter")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    daemon.start()
    with daemon.connect() as api:
        again = session.through(api)
        again.prompt("say In between.")
        expect(transcript(page).get_by_text("In between.", exact=True)).to_be_visible()
        expect(page.get_by_role("status")).to_have_count(0)
        page.get_by_label("Prompt").press("Enter")  # what could not be sent is still there
        expect(transcript(page).get_by_text("After.", exact=True)).to_be_visible()
        expect(transcript(page).get_by_text("Done")).to_have_count(3)
        seqs = page.locator("[data-seq]").evaluate_all("items => items.map(item => Number(item.dataset.seq))")
        assert seqs == sorted(set(seqs))
