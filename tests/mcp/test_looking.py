"""What an assistant finds, reads and sees, through the official client."""

import base64
import io

import pytest
from mcp.shared.exceptions import MCPError
from PIL import Image, ImageChops

from tests.mcp.talking import call, data, refusal, talk
from vrag.mcp import call_bounds, looking, shown_pages
from vrag.mcp.page_refs import NamedPage, read_ref

QUESTION = "Where does the snow leopard live?"


def pictures(result):
    return [Image.open(io.BytesIO(base64.b64decode(b.data))) for b in result.content if b.type == "image"]


def test_a_server_that_may_only_read_offers_only_that(server):
    tools = talk(server, lambda client: client.list_tools()).tools
    assert [tool.name for tool in tools] == ["search", "fetch", "show_page", "list_documents"]
    assert all(tool.annotations.read_only_hint and tool.output_schema and tool.title for tool in tools)


def test_a_search_gives_pages_with_passages_and_the_words_that_match(server):
    found = data(call(server, "search", query=QUESTION, k=2))
    best = found["results"][0]
    assert best["id"] == "animals.pdf#1"
    assert best["title"] == "animals.pdf, page 1"
    assert best["url"] == "vrag://page/animals.pdf/1"
    assert "Central Asia" in best["text"]
    assert {"snow", "leopard"} <= set(best["matched"])
    assert len(found["results"]) == 2


def test_filters_choose_documents(server):
    found = data(call(server, "search", query=QUESTION, where=["doc=machines.pdf"]))
    assert {row["id"].split("#")[0] for row in found["results"]} == {"machines.pdf"}


def test_nothing_found_says_what_to_do(server):
    found = data(call(server, "search", query=QUESTION, where=["page >= 9"]))
    assert found["results"] == []
    assert "list_documents" in found["note"]


def test_an_assistant_is_told_how_relevant_pages_are(server):
    good = data(call(server, "search", query=QUESTION, k=1))
    poor = data(call(server, "search", query="quarterly dividends of insurance companies in Norway", k=1))
    assert "note" not in good
    assert poor["note"].startswith("Probably nothing here answers that")
    assert good["results"][0]["relevance"] > poor["results"][0]["relevance"]


def test_a_hit_is_read_by_its_id(server):
    page = data(call(server, "fetch", id="machines.pdf#2"))
    assert page["text"] == "Invoice number QX-4471 covers two hydraulic\npumps delivered to the Rotterdam plant."
    assert page["metadata"]["pages"] == 2
    assert "few words" in page["note"]


def test_an_address_is_an_id_too(server):
    assert data(call(server, "fetch", id="vrag://page/machines.pdf/2"))["id"] == "machines.pdf#2"


def test_a_long_page_comes_in_parts(server, monkeypatch):
    monkeypatch.setattr(looking, "MOST_TEXT", 30)
    whole, start = "", 0
    while True:
        page = data(call(server, "fetch", id="machines.pdf#2", start=start))
        whole += page["text"]
        start += 30
        if "more" not in page:
            break
        assert page["more"] == f"fetch(id='machines.pdf#2', start={start})"
    assert whole.endswith("Rotterdam plant.")


def test_a_page_is_shown_as_wide_as_asked(server):
    result = call(server, "show_page", ids=["animals.pdf#1"], width=300)
    (picture,) = pictures(result)
    assert (picture.format, picture.size) == ("JPEG", (300, 388))
    assert result.structured_content == {
        "shown": [{"id": "animals.pdf#1", "title": "animals.pdf, page 1", "width": 300, "height": 388}]
    }


def test_what_answers_is_framed(server):
    (plain,) = pictures(call(server, "show_page", ids=["animals.pdf#1"], width=600))
    result = call(server, "show_page", ids=["animals.pdf#1"], width=600, query=QUESTION)
    (marked,) = pictures(result)
    left, top, right, bottom = ImageChops.difference(plain, marked).point(lambda v: 255 * (v > 90)).getbbox()
    assert result.structured_content["shown"][0]["marked"]
    assert left < 60 < 250 < right  # around both lines of text, at the top of the page
    assert top < 55 < 78 < bottom < 150


def test_four_pages_at_once_and_a_call_for_the_others(server):
    ids = [*(f"animals.pdf#{page}" for page in (1, 2, 3)), "machines.pdf#1", "machines.pdf#2", "animals.pdf#1"]
    result = call(server, "show_page", ids=ids, width=100)
    assert len(pictures(result)) == call_bounds.MOST_PICTURES == 4
    assert result.content[-1].text.endswith("show_page(ids=['machines.pdf#2'])")


def test_pictures_stay_small_enough_for_hosts(server, monkeypatch):
    monkeypatch.setattr(shown_pages, "MOST_PICTURE_BYTES", 4_000)
    result = call(server, "show_page", ids=["animals.pdf#1", "animals.pdf#2"], width=1000)
    sizes = [len(base64.b64decode(b.data)) for b in result.content if b.type == "image"]
    assert len(sizes) == 2
    assert sum(sizes) <= 4_000


def test_a_page_that_cannot_be_shown_leaves_the_others(server):
    result = call(server, "show_page", ids=["animals.pdf#1", "animals.pdf#9"], width=100)
    assert len(pictures(result)) == 1
    assert "No page 9 of 'animals.pdf'" in result.content[-1].text
    assert "No page 9" in refusal(call(server, "show_page", ids=["animals.pdf#9"]))


def test_documents_are_listed_in_parts(server, monkeypatch):
    everything = data(call(server, "list_documents"))
    assert [row["name"] for row in everything["documents"]] == ["animals.pdf", "machines.pdf"]
    assert (everything["total_documents"], everything["total_pages"]) == (2, 5)
    monkeypatch.setattr(looking, "MOST_LISTED", 1)
    first = data(call(server, "list_documents"))
    assert [row["name"] for row in first["documents"]] == ["animals.pdf"]
    assert "start=1" in first["more"]
    second = data(call(server, "list_documents", start=1))
    assert [row["name"] for row in second["documents"]] == ["machines.pdf"]
    assert "more" not in second


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("fetch", {"id": "animals.pdf"}, "'animals.pdf' is no id of a page. The id of a page is its document"),
        ("fetch", {"id": "lions.pdf#1"}, "No document called 'lions.pdf' in the index. list_documents lists the"),
        ("fetch", {"id": "animals.pdf#9"}, "No page 9 of 'animals.pdf' in the index. Its last page is 3."),
        ("fetch", {"id": "animals.pdf#1", "start": 9_999}, "start=9999 is behind its end. Leave start out."),
        ("fetch", {"id": "animals.pdf#0"}, "There is no page 0."),
        ("fetch", {"id": "/etc/passwd#1"}, "No document called '/etc/passwd'"),
        ("search", {"query": " "}, "empty"),
        ("search", {"query": "x", "where": ["animals.pdf"]}, """KEY=VALUE. e.g. "doc=report.pdf" or"""),
        ("search", {"query": "x", "where": ["colour=red"]}, "Unknown filter key 'colour'"),
        ("search", {"query": "x", "k": 1_000}, "k: Input should be less than or equal to 20"),
        ("search", {"query": "x", "limit": 3}, "search has no argument 'limit'. Arguments: query, k, where."),
        ("search", {}, "query: Field required"),
        ("list_documents", {"key": "colour"}, "No document has metadata 'colour'"),
        ("show_page", {"ids": []}, "ids: List should have at least 1 item"),
        ("open", {}, "There is no tool 'open'. Tools: search, fetch,"),
    ],
)
def test_mistakes_are_told_in_a_sentence(server, tool, arguments, said):
    told = refusal(call(server, tool, **arguments))
    assert said in told
    assert "Error executing" not in told
    assert "--" not in told  # an assistant types no options


def test_one_filter_or_page_needs_no_brackets(server):
    found = data(call(server, "search", query=QUESTION, where="doc=machines.pdf"))
    assert {row["id"].split("#")[0] for row in found["results"]} == {"machines.pdf"}
    assert len(pictures(call(server, "show_page", ids="animals.pdf#1", width=100, query=" "))) == 1


def test_what_fails_for_no_reason_that_we_know_tells_nothing(server, monkeypatch, caplog):
    monkeypatch.setattr(looking, "asked_words", lambda query: 1 / 0)
    assert refusal(call(server, "search", query="x")) == "Error executing tool search"
    assert "ZeroDivisionError" in caplog.text


def test_pages_are_resources(server):
    templates = talk(server, lambda client: client.list_resource_templates()).resource_templates
    assert [template.uri_template for template in templates] == ["vrag://page/{doc}/{page}"]
    page = talk(server, lambda client: client.read_resource("vrag://page/animals.pdf/3"))
    assert page.contents[0].text.startswith("Honey bees dance")
    missing = talk(server, lambda client: _refused(client.read_resource("vrag://page/animals.pdf/9")))
    assert "No page 9 of 'animals.pdf'" in missing


async def _refused(asked):
    with pytest.raises(MCPError) as refused:
        await asked
    return str(refused.value)


def test_a_prompt_asks_for_citations(server):
    prompt = talk(server, lambda client: client.get_prompt("answer_with_citations", {"question": "{Why}?"}))
    assert "{Why}?" in prompt.messages[0].content.text
    assert "title of the page" in prompt.messages[0].content.text


@pytest.mark.parametrize("version", ["2024-11-05", "2025-06-18", "2025-11-25"])
def test_older_clients_are_understood(server, version, monkeypatch):
    monkeypatch.setattr("mcp.client.session.LATEST_HANDSHAKE_VERSION", version)

    async def conversation(client):
        return (await client.list_tools()).tools, client.protocol_version

    tools, spoken = talk(server, conversation, mode="legacy")
    assert len(tools) == 4
    assert spoken == version


@pytest.mark.parametrize("doc", ["report.pdf", "a/b.pdf", "100% #1.pdf", "a#2", "caf\udce9.pdf", "ü\n.pdf", "a?b&c"])
def test_every_name_comes_back_from_an_id_and_from_an_address(doc):
    ref = NamedPage(doc, 7)
    assert read_ref(ref.id) == ref
    assert read_ref(ref.uri) == ref
    assert ref.id.encode()  # as JSON wants it
    assert "\n" not in ref.title
