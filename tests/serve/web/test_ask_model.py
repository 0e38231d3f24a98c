"""Answers of a language model in a browser: claims as they come, what is not supported, and how one goes on."""

import re
import threading

import pytest
from playwright.sync_api import expect

from tests.llm.endpoint import HANG, PATIENCE_S, Reply, claims, error
from tests.serve.web.conftest import keep
from tests.serve.web.test_ask import ASKED, FREIGHT, asked_of, box
from tests.serve.web.test_looks import COLOURS, RULES, broken_rules

GROWTH = "Freight grew fastest."
SAID = claims(
    ("Freight grew faster than anything else.", 1, GROWTH),
    ("It shrank by 12 %.", 1, "Public service contracts shrank because the county lengthened the winter timetable"),
    ("The owners are pleased.",),
)
REST, LAST = SAID.index('{"text": "It shrank'), SAID.index('{"text": "The owners')


def turn(page):
    return page.get_by_role("article", name=FREIGHT)


def test_claims_come_one_by_one_and_each_is_said_once(writing, endpoint, browse):
    go_on, end = threading.Event(), threading.Event()
    endpoint.will_say(Reply(pieces=[SAID[:REST], go_on, SAID[REST:LAST], end, SAID[LAST:]]))
    page = browse(writing).page
    page.goto(ASKED)
    first = page.locator(".claim").first
    expect(first).to_contain_text("Freight grew faster than anything else.")
    expect(turn(page).get_by_role("status")).to_contain_text("stub is reading 5 pages")
    expect(page.locator(".looked [data-doc][data-page] img")).to_have_count(5)
    expect(page.locator(".claim")).to_have_count(1)
    expect(page.locator(".said")).to_have_attribute("aria-live", "polite")
    first.evaluate("claim => claim.dataset.kept = 'yes'")
    first.get_by_role("link", name=re.compile("^Quote 1: ")).click()
    expect(page.locator(".quote-panel .frame").first).to_be_visible()
    go_on.set()
    second = page.locator(".claim").nth(1).get_by_role("link", name=re.compile("^Quote 2: "))
    expect(second).to_be_visible()  # each claim comes with its own quotes
    end.set()
    expect(page.locator(".claim")).to_have_count(3)
    expect(turn(page)).to_have_attribute("aria-busy", "false")
    expect(first).to_have_attribute("data-kept", "yes")
    expect(page.locator(".quote-panel .frame").first).to_be_visible()
    expect(page.get_by_text("Written by stub.")).to_be_visible()


def test_what_its_pages_do_not_support_is_struck_through_with_the_reason(writing, endpoint, browse):
    endpoint.will_say(SAID)
    page = browse(writing).page
    page.goto(ASKED)
    doubtful = page.locator(".claim.unsupported")
    expect(doubtful).to_have_count(2)
    for claim, text in zip(doubtful.all(), ("It shrank by 12 %.", "The owners are pleased."), strict=True):
        expect(claim.locator("s")).to_have_text(text)
        expect(claim).to_contain_text("Not supported")
        assert claim.locator("small").inner_text().strip()
    expect(page.locator(".claim").first.locator("s")).to_have_count(0)
    quotes = page.locator(".quotes .quote")
    expect(quotes.nth(0)).not_to_have_class(re.compile("doubtful"))
    expect(quotes.nth(1)).to_contain_text("The page says something else")
    expect(quotes.nth(1).locator("del")).to_contain_text("lengthened")
    expect(quotes.nth(1).locator("ins")).to_contain_text("shortened")
    quotes.nth(1).locator("a.cite").click()
    expect(page.locator(".quote-panel .frame").first).to_be_visible()


def test_what_nothing_answers_shows_the_nearest_pages(writing, endpoint, browse):
    endpoint.will_say(claims(found=False))
    page = browse(writing).page
    page.goto(ASKED)
    expect(turn(page)).to_contain_text("Nothing in the index answers this.")
    expect(page.get_by_role("heading", name="The nearest pages")).to_be_visible()
    page.locator(".looked li a").first.click()
    expect(page.locator(".why .standing")).to_be_visible()


def test_another_site_leads_to_a_question_and_does_not_ask_it(writing, endpoint, browse):
    endpoint.will_say(SAID)
    watched = browse(writing)
    page = watched.page
    bodies = asked_of(page)
    link = f'<a href="{writing}{ASKED}&amp;q=And+why%3F">Win a boat</a>'
    page.route("http://elsewhere.example/", lambda route: route.fulfill(body=link, content_type="text/html"))
    page.goto("http://elsewhere.example/")
    page.get_by_role("link").click()
    expect(turn(page).get_by_role("status")).to_have_text("Another site led here. Nothing was asked yet.")
    page.reload()
    expect(turn(page).get_by_role("status")).to_have_text("Another site led here. Nothing was asked yet.")
    assert not bodies
    turn(page).get_by_role("button", name="Ask").click()
    expect(turn(page)).to_contain_text("Written by stub.")
    expect(page.get_by_role("article", name="And why?").get_by_role("button", name="Ask")).to_be_visible()
    assert [body["question"] for body in bodies] == [FREIGHT]
    watched.forget("asked elsewhere: http://elsewhere.example/")


def test_one_stops_a_model_that_writes(writing, endpoint, browse):
    endpoint.will_say(Reply(pieces=[SAID[:REST], HANG]))
    page = browse(writing).page
    page.goto(ASKED)
    expect(page.locator(".claim")).to_have_count(1)
    page.get_by_role("button", name="Stop").click()
    expect(turn(page).get_by_role("status")).to_have_text("Stopped.")
    assert endpoint.asked[0].gone.wait(PATIENCE_S)
    expect(page.locator(".claim")).to_have_count(1)  # what was said stays
    endpoint.will_say(SAID)
    page.get_by_role("button", name="Ask again").click()
    expect(page.locator(".claim")).to_have_count(3)


def test_a_model_that_fails_leaves_the_pages_and_the_quotes(writing, endpoint, browse):
    endpoint.will_say(error("no more credit", 402))
    page = browse(writing).page
    page.goto(ASKED)
    expect(page.get_by_role("alert")).to_contain_text("no more credit")
    expect(page.locator(".looked [data-doc][data-page] img")).to_have_count(5)
    page.get_by_role("button", name="Quotes alone").click()
    expect(page.locator(".quotes.alone .quote").first).to_be_visible()
    page.wait_for_url("**&by=quotes")
    expect(page.get_by_role("button", name="Quotes", exact=True)).to_have_attribute("aria-pressed", "true")
    assert len(endpoint.asked) == 1


def test_a_conversation_with_a_model_goes_on(writing, endpoint, browse):
    endpoint.will_say(SAID, '{"question": "Why did freight grow?"}', claims(("Salmon farms.", 1, GROWTH)))
    page = browse(writing).page
    bodies = asked_of(page)
    page.goto(ASKED)
    expect(turn(page)).to_have_attribute("aria-busy", "false")
    box(page).fill("Why?")
    page.keyboard.press("Enter")
    second = page.get_by_role("article", name="Why?")
    expect(second).to_contain_text("Searched for: Why did freight grow?")
    expect(second.locator(".claim")).to_have_text(re.compile(r"Salmon farms\.\s*1"))
    assert bodies[1]["history"] == [{"question": FREIGHT, "answer": "Freight grew faster than anything else. [1]"}]
    assert "The owners are pleased" not in endpoint.asked[1].text  # it was not supported
    second.locator("a.cite").first.click()
    page.wait_for_url("**quote=2.1")
    expect(page.locator(".quote-panel .frame").first).to_be_visible()


def test_what_a_model_says_stays_text(writing, endpoint, browse):
    hostile = '<img src="x" onerror="alert(1)"> [1](javascript:alert(1)) \u202ebackwards'
    endpoint.will_say(claims((hostile, 1, GROWTH), (hostile,)))
    page = browse(writing).page
    page.goto(ASKED)
    expect(page.locator(".claim")).to_have_count(2)
    expect(page.locator(".claim").first).to_contain_text("<img")
    assert page.locator("img[src='x'], a[href^='javascript']").count() == 0
    assert page.locator(".claim bdi").count() == 2


@pytest.mark.parametrize("look", ["desktop", "dark", "phone"])
def test_an_answer_fits_and_can_be_read_by_everybody(writing, endpoint, browse, look):
    endpoint.will_say(SAID)
    page = browse(writing, look).page
    page.goto(ASKED)
    expect(turn(page)).to_have_attribute("aria-busy", "false")
    keep(page, "answer-of-a-model", look)
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert broken_rules(page, COLOURS if look == "dark" else RULES) == []
