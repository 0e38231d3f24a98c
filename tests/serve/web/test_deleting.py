"""Deleting in a browser: only what was meant goes, there is time to think again, and what is gone stays gone."""

import json

import pytest
from playwright.sync_api import expect

from tests.serve.web.conftest import keep
from tests.serve.web.test_documents import item, upload

LONG_MS = 20_000  # far longer than a deletion waits


@pytest.fixture
def documents(site_of_own, browse):
    """The view of two documents, on a clock that the test sets forward; `deleted` has what the service was told."""
    page = browse(site_of_own).page
    page.clock.install()
    page.deleted = []
    page.on("request", lambda asked: asked.method == "DELETE" and page.deleted.append(asked.url))
    page.goto("/documents")
    expect(page.locator(".document")).to_have_count(2)
    return page


def bin_of(page, name):
    return page.get_by_role("button", name=f"Delete {name}")


def wait_for_removal(page):
    with page.expect_request(lambda asked: asked.method == "DELETE"):
        page.clock.run_for(LONG_MS)


def test_a_double_click_deletes_one_document(documents):
    bin_of(documents, "animals.pdf").dblclick()
    expect(item(documents, "animals.pdf")).to_be_hidden()
    expect(item(documents, "machines.pdf")).to_be_visible()
    wait_for_removal(documents)
    assert len(documents.deleted) == 1
    documents.reload()
    expect(documents.locator(".document")).to_have_count(1)
    expect(item(documents, "machines.pdf")).to_be_visible()


def test_a_held_key_deletes_one_document_and_does_not_undo_it(documents):
    bin_of(documents, "animals.pdf").focus()
    for _ in range(4):
        documents.keyboard.down("Enter")
    documents.keyboard.up("Enter")
    expect(item(documents, "animals.pdf")).to_be_hidden()
    expect(item(documents, "machines.pdf")).to_be_visible()
    undo = documents.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    documents.clock.run_for(LONG_MS)
    expect(undo).to_be_focused()
    documents.keyboard.press("Enter")
    expect(bin_of(documents, "animals.pdf")).to_be_focused()
    assert documents.deleted == []


@pytest.mark.parametrize("key", ["Escape", "Shift+Tab"])
def test_a_deletion_goes_on_when_the_keyboard_leaves_undo(documents, key):
    bin_of(documents, "animals.pdf").press("Enter")
    expect(documents.get_by_role("button", name="Undo")).to_be_focused()
    documents.keyboard.press(key)
    if key == "Escape":
        expect(bin_of(documents, "machines.pdf")).to_be_focused()
    documents.clock.run_for(LONG_MS)
    expect(documents.get_by_role("button", name="Undo")).to_have_count(0)
    documents.wait_for_timeout(100)
    assert len(documents.deleted) == 1


def test_a_deletion_waits_while_the_pointer_is_on_the_message(documents):
    bin_of(documents, "animals.pdf").click()
    documents.locator(".toast").hover()
    documents.clock.run_for(LONG_MS)
    expect(documents.get_by_role("button", name="Undo")).to_be_visible()
    assert documents.deleted == []
    documents.mouse.move(5, 5)
    wait_for_removal(documents)


def test_a_removal_that_has_to_wait_is_shown_and_cannot_be_asked_for_again(documents):
    held = []
    documents.route("**/v1/documents/*", lambda route: held.append(route))
    bin_of(documents, "animals.pdf").click()
    wait_for_removal(documents)
    documents.get_by_label("Files to add").set_input_files(upload("otters.pdf", "Otters."))
    expect(item(documents, "otters.pdf")).to_be_visible()
    documents.clock.run_for(LONG_MS)
    expect(item(documents, "animals.pdf")).to_contain_text("Is being removed")
    keep(documents, "documents-leaving")
    assert bin_of(documents, "animals.pdf").count() == 0
    held[0].continue_()
    expect(item(documents, "animals.pdf")).to_have_count(0)
    expect(item(documents, "otters.pdf")).to_be_visible()


def test_a_document_that_could_not_be_removed_is_there_again(documents):
    documents.route("**/v1/documents/*", lambda route: route.fulfill(status=202, json={"job": "lost"}))
    bin_of(documents, "animals.pdf").click()
    job = {"id": "lost", "state": "failed", "done": 0, "error": {"error": "Another one is at it.", "hint": ""}}
    body = f"event: job\ndata: {json.dumps(job)}\n\n"
    documents.route("**/v1/jobs/lost/events", lambda route: route.fulfill(content_type="text/event-stream", body=body))
    wait_for_removal(documents)
    expect(documents.get_by_text("Another one is at it.")).to_be_visible()
    expect(bin_of(documents, "animals.pdf")).to_be_visible()
