"""Documents in a browser: adding, finding, editing and deleting them, and what is said when something fails."""

import re

import pytest
from playwright.sync_api import expect

from tests.conftest import copy_index
from tests.pdfs import pdf_bytes, write_pdf
from tests.serve.web.conftest import keep, serving


def item(page, name):
    return page.locator(f".document[data-doc='{name}']")


def upload(name, *pages):
    return {"name": name, "mimeType": "application/pdf", "buffer": pdf_bytes(pages)}


def test_a_pdf_is_uploaded_and_found(site_of_own, browse):
    page = browse(site_of_own).page
    page.goto("/documents")
    expect(page.locator(".document")).to_have_count(2)
    page.get_by_label("Files to add").set_input_files(
        upload("otters.pdf", "The sea otter cracks mussels with a stone.")
    )
    entry = page.get_by_role("list", name="Uploads").get_by_role("listitem")
    expect(entry).to_contain_text("otters.pdf")
    expect(entry).to_contain_text("1 page added")
    expect(item(page, "otters.pdf")).to_be_visible()
    page.locator("input[type=search]").fill("which animal uses a stone")
    expect(page.locator("[data-page]").first).to_have_attribute("data-doc", "otters.pdf")


def test_a_folder_is_dropped_with_the_documents_in_it(site_of_own, browse, tmp_path):
    page = browse(site_of_own).page
    write_pdf(tmp_path / "sea" / "deep" / "whales.pdf", ["Whales sing under water."])
    (tmp_path / "sea" / "notes.log").write_text("Not a document.")
    page.goto("/?q=bees")
    expect(page.locator(".hit").first).to_be_visible()
    drag = page.context.new_cdp_session(page)
    at = {"x": 600, "y": 400, "data": {"items": [], "files": [str(tmp_path / "sea")], "dragOperationsMask": 1}}
    for kind in ("dragEnter", *["dragOver"] * 10):  # as often as a hand does
        drag.send("Input.dispatchDragEvent", {"type": kind, **at})
        page.wait_for_timeout(20)
    expect(page.get_by_text("Drop files to add them")).to_be_visible()
    keep(page, "dropping")
    drag.send("Input.dispatchDragEvent", {"type": "drop", **at})
    expect(page.get_by_text("Drop files to add them")).to_be_hidden()
    expect(page.locator(".upload")).to_contain_text("whales.pdf")
    expect(page.locator(".upload")).to_contain_text("1 page added")
    page.get_by_role("link", name="Jobs").click()
    expect(page.locator(".job").first).to_contain_text("whales.pdf")
    expect(page.locator(".job").first).to_contain_text("Done")


def test_files_go_in_as_many_uploads_as_they_need_without_those_that_are_none(site_of_own, browse):
    page = browse(site_of_own).page
    page.route("**/v1/index", one_at_once)
    streams, most = [], []
    page.on(
        "request", lambda asked: asked.url.endswith("/events") and (streams.append(asked), most.append(len(streams)))
    )
    page.on("requestfinished", lambda asked: asked in streams and streams.remove(asked))
    page.goto("/documents")
    wrong = [{"name": "text.pdf", "mimeType": "application/pdf", "buffer": b"only text"}]
    wrong += [{"name": "empty.pdf", "mimeType": "application/pdf", "buffer": b""}]
    page.get_by_label("Files to add").set_input_files([*wrong, *(upload(f"{n}.pdf", f"Page {n}") for n in range(3))])
    expect(page.locator(".upload[data-state='done']")).to_have_count(3)
    refused = page.locator(".upload[data-state='failed']")
    expect(refused).to_contain_text("2 files not sent")
    expect(refused.locator(".failures li")).to_contain_text(["This is no PDF and no picture.", "The file is empty."])
    expect(page.locator(".document")).to_have_count(5)
    assert max(most) == 1  # of the six connections that a browser has


def one_at_once(route):
    """The facts of the index, with a limit of one file an upload."""
    answer = route.fetch()
    facts = answer.json()
    route.fulfill(response=answer, json={**facts, "uploads": {**facts["uploads"], "max_files": 1}})


def test_a_file_that_cannot_be_read_is_told_with_its_reason(site_of_own, browse):
    page = browse(site_of_own).page
    page.goto("/documents")
    broken = {"name": "broken.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 this is none"}
    page.get_by_label("Files to add").set_input_files([broken, upload("fine.pdf", "Nothing is wrong here.")])
    failure = page.locator(".upload .failures li")
    expect(failure).to_contain_text("broken.pdf")
    assert len(failure.locator("span").first.inner_text()) > 10
    expect(page.locator(".upload")).to_contain_text("1 page added, 1 could not be read")
    expect(page.get_by_role("heading", name="Could not be read")).to_be_visible()
    keep(page, "documents-unread")
    page.get_by_role("link", name="Jobs").click()
    expect(page.locator(".job .failures")).to_contain_text("broken.pdf")
    keep(page, "jobs-with-failures")


def test_a_deleted_document_can_be_brought_back(site_of_own, browse):
    page = browse(site_of_own).page
    page.goto("/documents")
    page.get_by_role("button", name="Delete animals.pdf").click()
    expect(item(page, "animals.pdf")).to_be_hidden()
    keep(page, "documents-undo")
    page.get_by_role("button", name="Undo").click()
    expect(item(page, "animals.pdf")).to_be_visible()
    expect(page.get_by_role("button", name="Delete animals.pdf")).to_be_focused()
    page.reload()
    expect(item(page, "animals.pdf")).to_be_visible()


def test_a_deleted_document_is_gone_after_a_while_or_when_one_leaves(site_of_own, browse):
    page = browse(site_of_own).page
    page.clock.install()
    page.goto("/documents")
    page.get_by_role("button", name="Delete animals.pdf").click()
    with page.expect_request(lambda asked: asked.method == "DELETE"):
        page.clock.run_for(7_000)
    page.reload()
    expect(page.locator(".document")).to_have_count(1)
    page.get_by_role("button", name="Delete machines.pdf").click()
    page.goto("/?q=engine")
    expect(page.locator(".notice, .hit").first).to_be_visible()
    page.goto("/documents")
    expect(page.get_by_role("heading", name="No documents yet")).to_be_visible()


def test_metadata_is_edited_in_place(site_of_own, browse):
    watched = browse(site_of_own)
    page = watched.page
    page.goto("/documents")
    page.get_by_role("button", name="Edit what is known of animals.pdf").click()
    page.get_by_label("Key", exact=True).fill("year")
    page.get_by_label("Value", exact=True).fill("2021")
    page.keyboard.press("Enter")
    expect(item(page, "animals.pdf").locator(".known")).to_have_text("year2021")
    page.goto("/?q=penguins")
    expect(page.locator(".hit").first).to_be_visible()
    page.goto("/?q=penguins&f.year=2021")
    expect(page.locator(".hit").first).to_have_attribute("data-doc", "animals.pdf")
    page.goto("/documents")
    page.get_by_role("button", name="Edit what is known of machines.pdf").click()
    page.get_by_label("Key", exact=True).fill("year")
    page.get_by_label("Value", exact=True).fill("long ago")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("year")
    watched.forget("400")
    page.keyboard.press("Escape")
    expect(page.locator(".editor")).to_have_count(0)
    page.get_by_role("button", name="Edit what is known of animals.pdf").click()
    page.get_by_role("button", name="Without year").click()
    page.get_by_role("button", name="Save").click()
    expect(item(page, "animals.pdf").locator(".known")).to_have_count(0)


def test_what_the_file_itself_says_cannot_be_taken_away_and_that_is_said(samples, browse, tmp_path):
    with serving(copy_index(samples, tmp_path / "index")) as address:
        page = browse(address).page
        page.goto("/documents")
        own = page.request.get("/v1/documents").json()["documents"][0]
        page.get_by_role("button", name=f"Edit what is known of {own['doc']}").click()
        page.get_by_role("button", name="Without title").click()
        page.get_by_role("button", name="Without year").click()
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".toast")).to_have_text(re.compile("What the file itself says stays: title[.]"))
        expect(item(page, own["doc"]).locator(".known")).not_to_contain_text("year")
        expect(page.get_by_role("heading", name=own["metadata"]["title"])).to_be_visible()
        page.context.close()


def test_metadata_that_waits_for_an_ingest_is_said_to(site_of_own, browse):
    page = browse(site_of_own).page
    page.goto("/documents")
    page.get_by_label("Files to add").set_input_files(upload("otters.pdf", "Otters."))
    expect(page.locator(".upload")).to_contain_text("1 page added")
    job = page.request.get("/v1/jobs").json()["jobs"][0]["id"]
    page.route(
        "**/v1/documents/*", lambda route: route.fulfill(status=202, json={"job": job, "url": f"/v1/jobs/{job}"})
    )
    page.get_by_role("button", name="Edit what is known of otters.pdf").click()
    page.get_by_label("Key", exact=True).fill("year")
    page.get_by_label("Value", exact=True).fill("2021")
    page.keyboard.press("Enter")
    expect(page.get_by_text("It is changed as soon as the document is read.")).to_be_visible()
    expect(page.locator(".editor")).to_have_count(0)


def test_a_job_is_watched_and_stopped(site_of_own, browse):
    page = browse(site_of_own).page
    page.goto("/documents")
    page.get_by_label("Files to add").set_input_files(
        upload("long.pdf", *(f"Chapter {n} of a book." for n in range(800)))
    )
    expect(page.locator(".upload")).to_contain_text("long.pdf, page")
    expect(page.get_by_label("1 running")).to_be_visible()
    keep(page, "uploading")
    page.get_by_role("link", name="Jobs").click()
    job = page.locator(".job").first
    expect(job.get_by_role("progressbar")).to_be_visible()
    keep(page, "jobs-running")
    job.get_by_role("button", name="Stop").click()
    expect(job.locator(".state")).to_have_text("Stopped")
    expect(page.get_by_label("1 running")).to_be_hidden()


def test_a_token_is_asked_for_once(browse, indexed):
    with serving(indexed, token="a-secret-token") as address:
        watched = browse(address)
        page = watched.page
        page.goto("/?q=bees")
        expect(page.get_by_role("heading", name="This index needs a token")).to_be_visible()
        watched.forget("401")
        page.goto("/?token=a-secret-token")
        expect(page.get_by_role("heading", name="What are you looking for?")).to_be_visible()
        page.goto("/?q=bees")
        expect(page.locator(".hit img").first).to_be_visible()
        page.context.close()


def test_documents_are_found_by_name(site_of_own, browse):
    page = browse(site_of_own).page
    page.goto("/documents")
    page.get_by_label("Find documents by name").fill("mach")
    expect(page.locator(".document")).to_have_count(1)
    expect(item(page, "machines.pdf")).to_be_visible()
    page.get_by_label("Find documents by name").fill("zzz")
    expect(page.get_by_role("heading", name="No document has such a name")).to_be_visible()
    page.get_by_label("Find documents by name").fill("")
    page.get_by_label("Order").select_option("Most pages")
    expect(page.locator(".document").first).to_have_attribute("data-doc", "animals.pdf")
    page.get_by_role("link", name="Search in machines.pdf").click()
    page.locator("input[type=search]").fill("leopard")
    expect(page.locator(".hit").first).to_have_attribute("data-doc", "machines.pdf")
    expect(page.get_by_role("button", name="Without doc machines.pdf")).to_be_visible()


def test_a_service_that_is_read_only_offers_nothing_else(browse, indexed):
    with serving(indexed, read_only=True) as address:
        page = browse(address).page
        page.goto("/documents")
        expect(page.locator(".document")).to_have_count(2)
        for name in ("Delete", "Edit", "Add"):
            assert page.get_by_role("button", name=re.compile(f"^{name}")).count() == 0
        page.context.close()


@pytest.mark.parametrize("read_only", [False, True])
def test_an_empty_index_says_what_to_do(browse, tmp_path, read_only):
    from vrag.index import Index

    Index.create(tmp_path / "index").close()
    with serving(tmp_path / "index", read_only) as address:
        page = browse(address).page
        page.goto("/")
        expect(page.get_by_role("heading", name="This index has no documents yet")).to_be_visible()
        keep(page, "home-empty")
        assert page.get_by_role("link", name="Add documents").count() == (not read_only)
        page.context.close()


def test_what_documents_say_is_text_and_never_markup(site_of_own, browse):
    page = browse(site_of_own).page
    page.goto("/documents")
    hostile = "<img src=x onerror=alert(1)> tapir <b>bold</b>"
    page.get_by_label("Files to add").set_input_files(upload("a<b>&c.pdf", hostile))
    expect(page.locator(".upload")).to_contain_text("1 page added")
    page.get_by_role("button", name="Edit what is known of a_b_&c.pdf").click()
    page.get_by_label("Key", exact=True).fill("title")
    page.get_by_label("Value", exact=True).fill(hostile)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=hostile)).to_be_visible()
    page.locator("input[type=search]").fill("tapir")
    expect(page.locator(".snippet").first).to_contain_text(hostile)
    page.locator(".hit-link").first.click()
    expect(page.get_by_role("heading", name=hostile)).to_be_visible()
    expect(page.locator(".why .standing")).to_be_visible()
    assert page.locator("b, [onerror]").count() == 0
