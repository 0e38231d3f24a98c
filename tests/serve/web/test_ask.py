"""Asking in a browser: quotes and their pages, follow-up questions, addresses, keys, and what goes wrong."""

import re

import pytest
from playwright.sync_api import expect

FREIGHT = "How much revenue came from freight in 2025?"
ASKED = "/ask?q=How+much+revenue+came+from+freight+in+2025%3F"


def quotes(page):
    return page.locator(".quotes [data-doc][data-page]")


def box(page):
    return page.get_by_role("textbox", name="Question")


def asked_of(page):
    """Bodies of all questions from now on."""
    bodies = []
    page.on("request", lambda asked: asked.url.endswith("/v1/ask") and bodies.append(asked.post_data_json))
    return bodies


def test_a_question_is_answered_in_quotes(site, browse):
    page = browse(site).page
    page.goto("/")
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Ask").click()
    expect(page.get_by_role("heading", name="Ask the documents")).to_be_visible()
    expect(box(page)).to_be_focused()
    expect(page.locator(".composer")).to_contain_text("No language model is asked.")
    box(page).fill(FREIGHT)
    page.keyboard.press("Enter")
    best = quotes(page).first
    expect(best).to_have_attribute("data-page", "3")
    expect(best).to_have_attribute("data-doc", "ferry-annual-report.pdf")
    expect(best.get_by_role("link", name="Halvorsen Ferries Annual Report 2025, page 3").last).to_be_visible()
    expect(page.get_by_text("Quotes, word for word. No language model wrote anything.")).to_be_visible()
    expect(page.get_by_role("article", name=FREIGHT)).to_have_attribute("aria-busy", "false")
    assert page.url.endswith(ASKED)
    assert box(page).input_value() == ""
    assert page.title() == f"{FREIGHT} · vrag"


def test_an_address_may_name_a_quote_that_is_not_there(site, browse):
    page = browse(site).page
    page.goto(f"{ASKED}&quote=9.1")
    expect(quotes(page).first).to_be_visible()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("]")
    expect(page.get_by_role("complementary", name="Page of the quote")).to_be_hidden()


def test_a_quote_opens_its_page_beside_the_answer_with_the_quote_framed(site, browse):
    page = browse(site, viewport={"width": 1440, "height": 900}).page
    page.goto(ASKED)
    cite = page.get_by_role("link", name=re.compile("^Quote 1: "))
    cite.click()
    panel = page.get_by_role("complementary", name="Page of the quote")
    expect(panel.get_by_role("heading")).to_contain_text("Page 3")
    expect(panel.locator(".frame").first).to_be_visible()
    frame, sheet = (panel.locator(name).first.bounding_box() for name in (".frame", ".page-sheet"))
    word = panel.locator(".words span", has_text="Freight").first.bounding_box()
    assert frame["x"] <= word["x"] < frame["x"] + frame["width"] < sheet["x"] + sheet["width"]
    assert frame["y"] <= word["y"] < frame["y"] + frame["height"]
    expect(cite).to_have_attribute("aria-current", "true")
    expect(quotes(page).first).to_be_visible()
    assert page.url.endswith("&quote=1.1")
    page.keyboard.press("]")
    page.keyboard.press("]")
    page.wait_for_url("**quote=1.3")
    expect(panel.get_by_role("heading")).not_to_contain_text("Page 3")
    page.go_back()  # one step, however many quotes were looked at
    expect(panel).to_be_hidden()
    page.go_forward()
    expect(panel).to_be_visible()
    panel.get_by_role("link", name="Open the page").click()
    expect(page.locator(".page-bar")).to_be_visible()
    expect(page.locator(".stage .frame").first).to_be_visible()
    expect(page.locator(".why .standing")).to_be_visible()
    page.go_back()
    expect(panel.locator(".frame").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_on_a_phone_the_page_lies_over_the_answer_and_gives_the_focus_back(site, browse):
    page = browse(site, "phone").page
    page.goto(ASKED)
    cite = page.get_by_role("link", name=re.compile("^Quote 1: "))
    cite.tap()
    panel = page.get_by_role("complementary", name="Page of the quote")
    expect(panel.get_by_role("heading")).to_be_focused()
    assert panel.bounding_box() == {"x": 0, "y": 0, "width": 375, "height": 812}
    assert page.locator(".column").evaluate("column => column.inert")
    panel.get_by_role("button", name="Close the page").tap()
    expect(cite).to_be_focused()
    expect(panel).to_be_hidden()


def test_an_address_shows_a_colleague_the_same(site, browse):
    page = browse(site).page
    page.goto(f"{ASKED}&f.year=2025&quote=1.1")
    expect(page.locator(".quote-panel .frame").first).to_be_visible()
    expect(page.get_by_role("button", name="Without year 2025")).to_have_count(1)
    assert {row.get_attribute("data-doc") for row in quotes(page).all()} == {"ferry-annual-report.pdf"}


def test_a_conversation_goes_on_and_its_address_holds_it(site, browse):
    page = browse(site).page
    bodies = asked_of(page)
    page.goto(ASKED)
    expect(quotes(page).first).to_be_visible()
    box(page).fill("And from passengers?")
    page.get_by_role("button", name="Ask", exact=True).click()
    second = page.get_by_role("article", name="And from passengers?")
    expect(second.locator(".quote").first).to_be_visible()
    expect(second).to_contain_text(f"Searched for: {FREIGHT} And from passengers?")
    expect(box(page)).to_be_focused()
    assert page.url.endswith(f"{ASKED}&q=And+from+passengers%3F")
    assert [turn["question"] for turn in bodies[1]["history"]] == [FREIGHT]
    assert "Freight" in bodies[1]["history"][0]["answer"]
    page.go_back()
    expect(second).to_have_count(0)
    expect(quotes(page).first).to_be_visible()
    page.go_forward()
    expect(second.locator(".quote").first).to_be_visible()
    page.locator(".turn").first.get_by_role("link", name="Search for this").click()
    expect(page.locator(".hit").first).to_be_visible()
    page.go_back()
    expect(second.locator(".quote").first).to_be_visible()
    assert len(bodies) == 2
    page.get_by_role("link", name="New conversation").click()
    expect(page.get_by_role("heading", name="Ask the documents")).to_be_visible()


@pytest.mark.parametrize("look", ["desktop", "phone"])
def test_a_question_that_goes_on_is_brought_to_the_top(site, browse, look):
    page = browse(site, look).page
    page.goto(ASKED)
    expect(quotes(page).first).to_be_visible()
    box(page).fill("And from passengers?")
    page.keyboard.press("Enter")
    second = page.get_by_role("article", name="And from passengers?")
    expect(second.locator(".quote").first).to_be_visible()
    top = second.bounding_box()["y"]
    assert 0 < top - page.locator(".top").bounding_box()["height"] < 40


def test_the_same_words_are_searched_and_asked(site, browse):
    page = browse(site).page
    page.goto("/?q=honey+of+the+year&f.year=2024")
    page.get_by_role("link", name="Ask this").click()
    page.wait_for_url("**/ask?q=honey+of+the+year&f.year=2024")
    expect(quotes(page).first).to_have_attribute("data-doc", "bees-on-the-roof-slides.pdf")
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Search").click()
    page.wait_for_url("**/?q=honey+of+the+year&f.year=2024")
    expect(page.locator("input[type=search]")).to_have_value("honey of the year")
    page.keyboard.press("a")
    page.wait_for_url("**/ask?q=honey+of+the+year&f.year=2024")
    expect(page.locator("input[type=search]")).to_have_value("")


def test_a_quote_stays_as_it_came_until_it_is_asked_again(site, browse):
    page = browse(site).page
    page.add_init_script(
        """new MutationObserver((changes) => {
             for (const { removedNodes } of changes)
               for (const node of removedNodes) if (node.matches?.(".quote")) window.lost = (window.lost ?? 0) + 1;
           }).observe(document, { childList: true, subtree: true });"""
    )
    page.goto(ASKED)
    turn = page.get_by_role("article", name=FREIGHT)
    expect(turn).to_have_attribute("data-state", "done")
    shown = quotes(page).count()
    assert page.evaluate("window.lost ?? 0") == 0
    page.get_by_role("button", name="Ask again").click()
    page.wait_for_function("window.lost > 0")
    expect(turn).to_have_attribute("data-state", "done")
    assert quotes(page).count() == shown == page.evaluate("window.lost")


def test_text_stays_text(site, browse):
    page = browse(site).page
    hostile = "<img src=x onerror=alert(1)>\u202e freight"
    page.goto("/ask")
    box(page).fill(hostile)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2).first).to_have_text(hostile)
    expect(quotes(page).first).to_be_visible()
    assert page.locator(".turn img[src='x']").count() == 0
    for name in (".quote blockquote", ".question bdi", ".where bdi"):
        expect(page.locator(name).first, name).to_have_css("unicode-bidi", "isolate")


def test_nothing_found_is_said(site, browse):
    page = browse(site).page
    page.goto(f"{ASKED}&f.year=1999")
    expect(page.locator(".turn")).to_contain_text("Nothing in the index answers this.")
    expect(page.locator(".turn [role=alert]")).to_have_count(0)


def test_what_the_service_refuses_is_said_with_its_hint(site, browse):
    watched = browse(site)
    watched.page.goto(f"{ASKED}&f.nosuchkey=1")
    notice = watched.page.get_by_role("alert")
    expect(notice).to_contain_text("nosuchkey")
    expect(notice).to_contain_text("Keys: ")
    watched.forget("400")


def test_a_service_that_is_away_is_said_and_asked_again(site, browse):
    watched = browse(site)
    page = watched.page
    page.goto("/ask")
    expect(page.locator(".composer")).to_contain_text("No language model")
    watched.context.set_offline(True)
    box(page).fill(FREIGHT)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The service cannot be reached.")
    watched.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(quotes(page).first).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    watched.forget("ERR_INTERNET_DISCONNECTED")


def test_an_answer_that_is_not_wanted_any_more_is_stopped(site, browse):
    page = browse(site).page
    held = []
    page.route("**/v1/ask", lambda route: held.append(route))
    page.goto(ASKED)
    turn = page.get_by_role("article", name=FREIGHT)
    expect(turn.get_by_role("status")).to_contain_text("Looking for pages")
    expect(turn).to_have_attribute("aria-busy", "true")
    page.get_by_role("button", name="Stop").click()
    expect(turn.get_by_role("status")).to_have_text("Stopped.")
    page.unroute("**/v1/ask")
    turn.get_by_role("button", name="Ask again").click()
    expect(quotes(page).first).to_be_visible()
    assert held


def test_an_answer_can_be_copied_with_what_it_rests_on(site, browse):
    page = browse(site, permissions=["clipboard-read", "clipboard-write"]).page
    page.goto(ASKED)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("The answer is copied.")).to_be_visible()
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith(FREIGHT)
    assert "“Segment 2023 2024 2025" in text
    assert text.splitlines()[-3] == "[1] ferry-annual-report.pdf, page 3"


def test_an_answer_goes_on_coming_while_one_looks_elsewhere(site, browse):
    page = browse(site).page
    held = []
    page.route("**/v1/ask", lambda route: held.append(route))
    page.goto(ASKED)
    expect(page.locator(".answer-status")).to_contain_text("Looking for pages")
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Documents").click()
    expect(page.locator(".document").first).to_be_visible()
    held[0].continue_()
    page.go_back()
    expect(quotes(page).first).to_be_visible()
    assert len(held) == 1
