"""Uploads that go wrong on the way, or only look as if they did."""

from playwright.sync_api import expect

from tests.serve.web.test_documents import upload

LOST = "does not know of this upload"


def choose(page, *files):
    page.get_by_label("Files to add").set_input_files(list(files))


def test_an_upload_is_not_lost_by_an_answer_that_is_older_than_it(site_of_own, browse):
    page = browse(site_of_own).page
    old = []

    def hold_the_first(route):
        if old:
            route.continue_()
        else:
            old.append((route, route.fetch()))

    page.goto("/documents")
    choose(page, upload("long.pdf", *(f"Chapter {n} of a book." for n in range(800))))
    expect(page.locator(".upload")).to_contain_text("long.pdf, page")  # it is told of every step in a stream
    with page.expect_request("**/v1/jobs"):
        page.route("**/v1/jobs", hold_the_first)
    while not old:
        page.wait_for_timeout(20)
    choose(page, upload("otters.pdf", "Otters."))
    new = page.locator(".upload").first
    expect(new).to_contain_text("Waits for the job before it")
    route, answer = old[0]
    with page.expect_request_finished(lambda asked: asked == route.request):
        route.fulfill(response=answer)
    page.locator(".upload").last.get_by_role("button", name="Stop").click()
    expect(new).to_contain_text("1 page added")


def test_an_upload_is_watched_without_a_stream_when_there_is_no_place_for_one(site_of_own, browse):
    watched = browse(site_of_own)
    page = watched.page
    page.route("**/v1/jobs/*/events", lambda route: route.fulfill(status=503, json={"title": "Too many streams"}))
    page.goto("/documents")
    choose(page, upload("otters.pdf", "Otters."))
    expect(page.locator(".upload[data-state='done']")).to_contain_text("1 page added")
    watched.forget("503")


def test_an_upload_that_the_service_has_forgotten_is_said_to_be(site_of_own, browse):
    watched = browse(site_of_own)
    page = watched.page
    page.route("**/v1/documents", lambda route: route.fulfill(status=202, json={"job": "of-yesterday"}))
    page.goto("/documents")
    page.get_by_label("Files to add").wait_for(state="attached")
    choose(page, upload("otters.pdf", "Otters."))
    expect(page.locator(".upload[data-state='failed']")).to_contain_text(LOST)
    watched.forget("404")


def test_files_go_in_uploads_of_no_more_bytes_than_the_service_takes(site_of_own, browse):
    page = browse(site_of_own).page
    files = [upload(f"{n}.pdf", f"Page {n}") for n in range(3)]
    most = sum(len(file["buffer"]) for file in files[:2])

    def narrow(route):
        answer = route.fetch()
        facts = answer.json()
        limits = facts["uploads"] | {"max_total_bytes": most}
        route.fulfill(response=answer, json=facts | {"uploads": limits})

    page.route("**/v1/index", narrow)
    page.goto("/documents")
    choose(page, *files)
    expect(page.locator(".upload[data-state='done'] h2")).to_have_text(["2.pdf", "2 files"])
    expect(page.locator(".document")).to_have_count(5)
