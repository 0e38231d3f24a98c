"""Searching in a browser: typing, hits, filters, addresses, keys."""

import re

import pytest
from playwright.sync_api import expect

from tests.serve.web.conftest import keep

QUESTION = "How much revenue came from freight"
ASKED = f"/?q={QUESTION.replace(' ', '+')}"


def hits(page):
    return page.locator("[data-doc][data-page]")


def test_hits_come_while_one_types(site, browse):
    page = browse(site).page
    page.goto("/")
    box = page.locator("input[type=search]")
    expect(box).to_be_focused()
    box.press_sequentially(QUESTION, delay=5)
    best = hits(page).first
    expect(best).to_have_attribute("data-page", "3")
    expect(best).to_have_attribute("data-doc", "ferry-annual-report.pdf")
    expect(best.locator("h3")).to_contain_text("Halvorsen Ferries")
    expect(best.locator("mark", has_text="Freight").first).to_be_visible()
    expect(best.get_by_role("img", name=re.compile(r"Relevance \d+ of 100"))).to_be_visible()
    assert best.locator("img").first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    assert page.url.endswith(ASKED)


def test_that_nothing_relevant_was_found_is_said_above_the_nearest_pages(site, browse):
    page = browse(site).page
    page.goto("/?q=How+many+shops+does+Netflix+own+in+Canada%3F")
    expect(hits(page).first).to_be_visible()
    expect(page.locator("p.count")).to_contain_text("Nothing relevant found; the nearest 10 pages")
    page.goto(ASKED)
    expect(page.locator("p.count")).not_to_contain_text("Nothing relevant")


def test_a_hit_that_cannot_be_judged_has_no_bar(site, browse):
    page = browse(site).page

    def unjudged(route):
        answer = route.fetch().json()
        route.fulfill(json={**answer, "hits": [{**hit, "relevance": None} for hit in answer["hits"]]})

    page.route("**/v1/search", unjudged)
    page.goto(ASKED)
    expect(hits(page).first).to_be_visible()
    expect(page.get_by_role("img", name="Relevance")).to_have_count(0)


def test_an_answer_that_comes_late_is_dropped(site, browse):
    page = browse(site).page
    held = []
    page.route(
        "**/v1/search", lambda route: held.append(route) if "honey" in route.request.post_data else route.continue_()
    )
    page.goto("/")
    box = page.locator("input[type=search]")
    with page.expect_request("**/v1/search"):
        box.fill("honey")
    box.fill("freight")
    expect(hits(page).first).to_contain_text("Halvorsen")
    for route in held:
        route.continue_()
    page.wait_for_timeout(300)
    expect(hits(page).first).to_contain_text("Halvorsen")
    assert held


def test_filters_narrow_the_hits_and_stand_in_the_address(site, browse):
    page = browse(site).page
    page.goto("/?q=energy+of+the+year")
    year = page.get_by_role("group", name="year")
    expect(year.get_by_text("2024")).to_be_visible()
    year.get_by_label("2024").check()
    expect(page.locator("[data-doc='ferry-annual-report.pdf']")).to_have_count(0)
    expect(hits(page).first).to_have_attribute("data-doc", "bees-on-the-roof-slides.pdf")
    assert "f.year=2024" in page.url
    year.get_by_label("2025").check()
    expect(page.locator("[data-doc='ferry-annual-report.pdf']").first).to_be_visible()
    page.get_by_role("button", name="Without year 2024").click()
    expect(page.locator("[data-doc='bees-on-the-roof-slides.pdf']")).to_have_count(0)
    page.go_back()
    expect(page.locator("[data-doc='bees-on-the-roof-slides.pdf']").first).to_be_visible()


def test_an_address_shows_a_colleague_the_same(site, browse):
    first = browse(site).page
    first.goto("/?q=energy+of+the+year&f.doc=ferry-annual-report.pdf&by=document")
    expect(first.locator(".group h2")).to_have_count(1)
    second = browse(site).page
    second.goto(first.url)
    expect(second.locator(".group h2")).to_contain_text("Halvorsen Ferries")
    expect(second.get_by_role("button", name="By document")).to_have_attribute("aria-pressed", "true")
    assert hits(second).count() == hits(first).count() > 1


def test_the_way_back_leads_to_the_same_hits(site, browse):
    page = browse(site).page
    page.goto("/?q=ferry")
    page.locator(".hit-link").nth(4).click()
    expect(page.locator(".page-bar")).to_contain_text("Hit 5 of 10")
    page.go_back()
    expect(page.locator(".hit-link").nth(4)).to_be_focused()
    expect(page.locator("input[type=search]")).to_have_value("ferry")


def test_everything_can_be_done_with_keys(site, browse):
    page = browse(site).page
    page.goto("/documents")
    page.get_by_role("heading", name="Documents").wait_for()
    page.keyboard.press("/")
    with page.expect_response(lambda answer: "carbon dioxide" in (answer.request.post_data or "")):
        page.keyboard.type("carbon dioxide")
    expect(hits(page).first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(page.locator(".hit-link").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".why .standing")).to_be_visible()
    number = int(re.search(r"/(\d+)\?", page.url)[1])
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**/{number + 1}?**")
    page.keyboard.press("Escape")
    page.wait_for_url("**/?q=carbon+dioxide")
    page.keyboard.press("g")
    expect(page.locator(".group").first).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("input[type=search]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="What are you looking for?")).to_be_visible()


def test_the_focus_stays_where_keys_left_it(site, browse):
    page = browse(site).page
    page.goto("/?q=energy+of+the+year")
    year = page.get_by_role("group", name="year").get_by_label("2024")
    year.focus()
    page.keyboard.press("Space")
    expect(page.locator("[data-doc='ferry-annual-report.pdf']")).to_have_count(0)
    expect(year).to_be_checked()
    expect(year).to_be_focused()
    group = page.get_by_role("button", name="By document")
    group.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".group").first).to_be_visible()
    expect(group).to_be_focused()
    page.locator(".hit-link").first.click()
    following = page.get_by_role("button", name="Next page")
    following.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("spinbutton", name="Page")).to_have_value(re.compile("[2-9]"))
    expect(following).to_be_focused()


def test_more_pages_are_asked_for(site, browse):
    page = browse(site).page
    page.goto("/?q=ferry")
    expect(hits(page)).to_have_count(10)
    page.get_by_role("button", name="More pages").click()
    expect(hits(page)).to_have_count(18)
    assert page.get_by_role("button", name="More pages").count() == 0


def test_no_hit_is_said_with_a_way_out(site, browse):
    page = browse(site).page
    page.goto("/?q=ferry&f.year=1999")
    expect(page.get_by_role("heading", name="No page answers this")).to_be_visible()
    page.get_by_role("button", name="Search without filters").click()
    expect(hits(page).first).to_be_visible()


def test_what_the_service_refuses_is_said_with_its_hint(site, browse):
    watched = browse(site)
    watched.page.goto("/?q=ferry&f.nosuchkey=1")
    notice = watched.page.get_by_role("alert")
    expect(notice).to_contain_text("nosuchkey")
    expect(notice).to_contain_text("Keys: ")
    watched.forget("400")


def test_a_service_that_is_away_is_said_and_tried_again(site, browse):
    watched = browse(site)
    page = watched.page
    page.goto("/?q=ferry")
    expect(hits(page).first).to_be_visible()
    watched.context.set_offline(True)
    page.locator("input[type=search]").fill("bees")
    expect(page.get_by_role("alert")).to_contain_text("The service cannot be reached.")
    keep(page, "error")
    watched.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(hits(page).first).to_have_attribute("data-doc", "bees-on-the-roof-slides.pdf")
    watched.forget("ERR_INTERNET_DISCONNECTED")


def test_while_hits_are_awaited_their_shapes_are_there(site, browse):
    page = browse(site).page
    held = []
    page.route("**/v1/search", lambda route: held.append(route))
    page.goto("/?q=ferry")
    expect(page.locator(".hit.skeleton").first).to_be_visible()
    expect(page.get_by_role("status", name="Loading")).to_be_visible()
    keep(page, "loading")
    held[0].continue_()
    expect(hits(page).first).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_can_be_chosen_and_are_kept(site, browse, theme):
    page = browse(site, "desktop" if theme == "dark" else "dark").page
    page.goto("/")
    button = page.get_by_role("button", name=re.compile("^Colours"))
    for _ in range(["light", "dark"].index(theme) + 1):
        button.click()
    page.reload()
    expect(button).to_have_accessible_name(f"Colours: {theme}")
    paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", paper)[:3])) > 384) == (theme == "light")


def test_documents_of_one_title_are_told_apart_and_names_keep_to_themselves(site_of_own, browse):
    page = browse(site_of_own).page
    backwards = "\u202eReport"  # turns round all that follows, unless it is kept to itself
    for document in page.request.get("/v1/documents").json()["documents"]:
        page.request.patch(document["url"], data={"metadata": {"title": backwards}})
    page.goto("/?q=which+animal+or+engine")
    choices = page.get_by_role("group", name="Document").locator(".choice")
    expect(choices).to_have_count(2)
    assert sorted(choices.locator(".value").all_inner_texts()) == ["animals.pdf", "machines.pdf"]
    assert sorted(choice.get_attribute("title") for choice in choices.all()) == ["animals.pdf", "machines.pdf"]
    for name in (".value", ".hit-link", ".hit-where .file", ".snippet"):
        expect(page.locator(name).first, name).to_have_css("unicode-bidi", "isolate")
    page.get_by_role("button", name="By document").click()
    heading = page.locator(".group h2").first
    title, count = (heading.locator(part).bounding_box() for part in ("bdi", ".count"))
    assert title["x"] + title["width"] <= count["x"]
