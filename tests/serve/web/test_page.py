"""The viewer in a browser: the page, its words, marks and heat, and why it was found."""

import re

import pytest
from PIL import Image
from playwright.sync_api import expect

ASKED = "/?q=How+much+revenue+came+from+freight"


@pytest.fixture
def opened(site, browse):
    """The best hit of a question, opened; a page that may write to the clipboard."""
    watched = browse(site, permissions=["clipboard-read", "clipboard-write"])
    watched.page.goto(ASKED)
    watched.page.locator("[data-doc] img").first.click()
    expect(watched.page.locator(".why .standing")).to_be_visible()
    return watched.page


def width(page):
    return page.locator(".page-image").evaluate("image => image.decode().then(() => image.naturalWidth)")


def clipboard(page):
    return page.evaluate("navigator.clipboard.readText()")


def test_the_page_is_sharp_and_its_region_framed(opened):
    assert re.search(r"/doc/[0-9a-f]{64}/3\?q=How", opened.url)
    expect(opened.get_by_role("heading", level=1)).to_contain_text("Halvorsen Ferries")
    shown = opened.locator(".page-sheet").bounding_box()
    assert width(opened) >= shown["width"]
    frame = opened.locator(".frame").bounding_box()
    assert shown["x"] < frame["x"]
    assert frame["width"] < shown["width"]
    assert opened.locator(".mark").count() > 0


def test_no_word_is_behind_the_frame(opened):
    crossed = opened.evaluate(
        """() => {
            const frame = document.querySelector(".frame").getBoundingClientRect();
            const words = [...document.querySelectorAll(".words span")].map((word) => word.getBoundingClientRect());
            const inside = (a, b) => a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
            const apart = (a, b) => a.right <= b.left || a.left >= b.right || a.bottom <= b.top || a.top >= b.bottom;
            return words.filter((word) => !inside(word, frame) && !apart(word, frame)).length;
        }"""
    )
    assert crossed == 0
    assert opened.locator(".marks").evaluate("marks => getComputedStyle(marks).mixBlendMode") == "multiply"


def test_a_page_grows_and_gets_sharper(opened):
    before, size = width(opened), opened.locator(".page-sheet").bounding_box()["width"]
    for _ in range(3):
        opened.keyboard.press("+")
    expect(opened.locator(".page-image")).not_to_have_attribute("src", re.compile(f"width={before}$"))
    assert opened.locator(".page-sheet").bounding_box()["width"] == pytest.approx(size * 1.25**3, rel=0.01)
    assert width(opened) > before
    opened.keyboard.press("0")
    opened.get_by_role("button", name="Fit the whole page").click()
    sheet, stage = (opened.locator(name).bounding_box() for name in (".page-sheet", ".stage"))
    assert sheet["height"] <= stage["height"]
    opened.mouse.move(400, 400)
    opened.keyboard.down("Control")
    opened.mouse.wheel(0, -60)
    opened.keyboard.up("Control")
    expect(opened.locator(".page-sheet")).not_to_have_css("width", f"{sheet['width']:g}px")
    assert opened.locator(".page-sheet").bounding_box()["width"] > sheet["width"]


def test_two_fingers_make_a_page_larger(site, browse):
    page = browse(site, "phone").page
    page.goto(ASKED)
    page.locator(".hit-link").first.tap()
    expect(page.locator(".frame")).to_be_visible()
    before = page.locator(".page-sheet").bounding_box()["width"]
    fingers = page.context.new_cdp_session(page)
    for kind, apart in (("touchStart", 40), ("touchMove", 60), ("touchMove", 80), ("touchEnd", None)):
        points = [{"x": 180 + side * apart, "y": 300, "id": side + 1} for side in (-1, 1)] if apart else []
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    after = page.locator(".page-sheet").bounding_box()["width"]
    assert after == pytest.approx(2 * before, rel=0.05)
    assert page.evaluate("visualViewport.scale") == 1


def test_words_can_be_selected_over_the_picture(opened):
    words = opened.locator(".words span")
    first, last = words.filter(has_text="Freight").nth(1), words.filter(has_text="fastest")
    picture, word = (box.bounding_box() for box in (opened.locator(".page-sheet"), first))
    assert picture["x"] < word["x"] < picture["x"] + picture["width"]
    first.scroll_into_view_if_needed()
    start, end = first.bounding_box(), last.bounding_box()
    opened.mouse.move(start["x"] + 1, start["y"] + start["height"] / 2)
    opened.mouse.down()
    opened.mouse.move(end["x"] + end["width"] - 1, end["y"] + end["height"] / 2, steps=5)
    opened.mouse.up()
    opened.keyboard.press("Control+c")
    assert clipboard(opened) == "Freight grew fastest."


def test_heat_of_the_question_and_of_a_word(opened):
    heat = opened.locator(".page-heat")
    expect(heat).to_be_hidden()
    opened.get_by_role("button", name="Heat", exact=True).click()
    expect(heat).to_be_visible()
    assert heat.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    whole = heat.get_attribute("src")
    word = opened.locator("button.word", has=opened.get_by_text("freight", exact=True))
    word.click()
    expect(word).to_have_attribute("aria-pressed", "true")
    assert re.search(r"token=\d", heat.get_attribute("src"))
    assert heat.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    assert heat.get_attribute("src") != whole
    word.click()
    expect(heat).to_be_hidden()


def test_why_a_page_was_found_is_said_in_sentences_and_in_numbers(opened):
    why = opened.get_by_role("region", name="Why this page")
    assert why.locator(":scope > p").count() >= 2
    expect(
        why.locator("button.word", has=opened.get_by_text("freight", exact=True)).locator(".found-text")
    ).to_contain_text("the word itself")
    expect(why.get_by_role("table", name="Stages")).to_be_hidden()
    why.get_by_text("The numbers").click()
    expect(why.get_by_role("table", name="Stages")).to_be_visible()
    assert why.get_by_role("table", name=re.compile("Matches")).get_by_role("row").count() > 3


def test_the_link_the_text_and_the_file_can_be_taken_along(opened):
    opened.keyboard.press("l")
    expect(opened.get_by_text("The link is copied.")).to_be_visible()
    assert clipboard(opened) == opened.url
    opened.get_by_role("button", name="Copy text").click()
    expect(opened.get_by_text("The page's text is copied.")).to_be_visible()
    assert "Freight grew fastest" in clipboard(opened)
    with opened.context.expect_event("request", lambda asked: asked.url.endswith("/file")):
        opened.get_by_role("button", name="Open the PDF here").click()


def test_pages_and_hits_are_turned(opened):
    opened.get_by_role("button", name="Next page").click()
    opened.wait_for_url("**/4?**")
    expect(opened.get_by_role("spinbutton", name="Page")).to_have_value("4")
    opened.get_by_role("spinbutton", name="Page").fill("3")
    opened.keyboard.press("Enter")
    expect(opened.locator(".page-bar")).to_contain_text("Hit 1 of 10")
    opened.get_by_role("button", name="Next hit").click()
    expect(opened.locator(".page-bar")).to_contain_text("Hit 2 of 10")
    expect(opened.locator(".why .standing")).to_contain_text("2")
    opened.get_by_role("button", name="Hits").click()
    opened.wait_for_url(f"**{ASKED}")


def test_marks_on_a_dark_page_are_light(site_of_own, browse, tmp_path):
    Image.new("RGB", (800, 600), "#14161c").save(tmp_path / "night.png")
    page = browse(site_of_own).page
    page.goto("/documents")
    page.get_by_label("Files to add").set_input_files(tmp_path / "night.png")
    expect(page.locator(".upload")).to_contain_text("1 page added")
    page.locator(".document[data-doc='night.png'] h2 a").click()
    expect(page.locator(".page-sheet.dark-page")).to_be_visible()
    assert page.locator(".marks").evaluate("marks => getComputedStyle(marks).mixBlendMode") == "screen"
    expect(page.get_by_role("button", name="Open the picture")).to_be_visible()


def test_a_page_that_is_not_there_is_said(site, browse):
    watched = browse(site)
    watched.page.goto(f"/doc/{'0' * 64}/1")
    expect(watched.page.get_by_role("alert")).to_be_visible()
    watched.forget("404")
    watched.page.goto("/documents")
    watched.page.locator(".document h2 a").first.click()
    expect(watched.page.locator(".page-sheet")).to_be_visible()
    expect(watched.page.get_by_role("region", name="Why this page")).to_have_count(0)
    assert watched.page.locator(".words span").count() > 5


@pytest.mark.parametrize(("before", "after", "number"), [("3", "", 3), ("4", "", 4), ("", "3", 3), ("1", "0", 10)])
def test_a_page_number_that_is_being_typed_stays_when_the_bar_is_drawn_again(opened, before, after, number):
    held, field = [], opened.get_by_role("spinbutton", name="Page")
    opened.route("**/v1/explain", lambda route: held.append(route))
    with opened.expect_request("**/v1/explain"):
        opened.get_by_role("button", name="Next page").click()
    expect(field).to_have_value("4")
    expect(opened.locator(".place")).to_be_visible()
    field.select_text()
    opened.keyboard.type(before)
    held[0].continue_()
    expect(opened.locator(".why .standing")).to_be_visible()
    expect(field).to_have_value(before or "4")
    expect(field).to_be_focused()
    opened.keyboard.type(after)
    opened.keyboard.press("Enter")
    opened.wait_for_url(f"**/{number}?**")


def test_pages_like_it_are_found_by_a_link_and_by_a_key(opened):
    itself = opened.url.partition("?")[0].rpartition("/doc/")[2]
    link = opened.get_by_role("link", name="More like this")
    link.focus()
    opened.keyboard.press("Enter")
    expect(opened.locator(".count a")).to_have_text(re.compile("^ferry-annual-report.pdf, page 3$"))
    assert opened.url.endswith(f"/?like={itself.replace('/', '%2F')}")
    found = opened.locator(".hit").evaluate_all("hits => hits.map(({ dataset }) => `${dataset.id}/${dataset.page}`)")
    assert len(found) > 1
    assert itself not in found
    expect(opened.locator("body.home")).to_have_count(0)
    expect(opened.get_by_role("link", name="Ask this")).to_have_count(0)
    opened.keyboard.press("g")  # by document, and still like that page
    expect(opened.locator(".group .hit")).to_have_count(len(found))
    opened.locator(".hit-link").first.click()
    expect(opened.locator(".place")).to_have_text(f"Hit 1 of {len(found)}")
    opened.keyboard.press("s")
    expect(opened.locator(".count a")).to_be_visible()
    opened.reload()
    expect(opened.locator(".hit").first).to_be_visible()
    opened.locator(".count a").click()
    expect(opened.locator(".page-image")).to_be_visible()
