"""What `Index.open("http://...")` asks, asked by somebody who means harm."""

import pytest

from tests.serve.http.test_uploads import OWLS, WHALES, ended, files
from vrag import Answer, Index
from vrag.ask.answer import Claimed, Found
from vrag.remote.remote_index import MOST_QUERIES
from vrag.remote.service_url import CALLS_PATH
from vrag.remote.wire import dumps, loads
from vrag.serve.http.uploads import FOLDER
from vrag.version import __version__

SEARCH = {"query": "bees", "k": 1, "cascade": None, "where": [], "words": "plain"}


def call(running, name, arguments, version=__version__):
    """Status and what was said."""
    answer = running.post(f"{CALLS_PATH}/{name}", content=dumps({"version": version, "arguments": arguments}))
    return answer.status_code, loads(answer.content)


def test_a_search_is_answered(reader):
    status, said = call(reader, "search", SEARCH)
    assert (status, said["result"][0].rank) == (200, 1)


def test_a_question_is_answered(reader):
    status, said = call(reader, "ask", {"question": "bees", "k": 2, "where": []})
    assert (status, said["result"].found) == (200, True)


def test_a_model_is_asked_by_whoever_asks_the_service(reader, endpoint):
    """And not by the service, which is told neither its address nor its key."""
    with Index.open(reader.url) as index:
        steps = [*index.ask_stream("Where do snow leopards live?", 2, llm=endpoint.llm(sees="both", key="sk-secret"))]
    assert [type(step) for step in steps] == [Found, Claimed, Answer]
    assert steps[-1].found
    assert [len(asked.pictures) >= 2 for asked in endpoint.asked] == [True]
    assert steps[-1] == reader.service.index.ask("Where do snow leopards live?", 2, llm=endpoint.llm())
    status, said = call(reader, "ask", {"question": "bees", "k": 2, "where": [], "llm": {"url": endpoint.url}})
    assert (status, said.keys()) == (422, {"error"})


def test_a_picture_is_no_file_of_the_services_machine(reader, tmp_path):
    file = tmp_path / "page.png"
    reader.service.index.page_image("animals.pdf", 1).save(file)
    asked = {"k": 1, "cascade": None, "where": []}
    status, said = call(reader, "search_image", {"picture": file.read_bytes(), **asked})
    assert (status, said["result"][0].doc) == (200, "animals.pdf")
    for path in (str(file), file):
        status, said = call(reader, "search_image", {"picture": path, **asked})
        assert (status, said["error"]["message"]) == (422, "A picture is sent as its bytes.")


@pytest.mark.parametrize("width", [0, -1, 4401, "9", 10**30])
def test_a_page_is_drawn_as_wide_as_is_good_for_the_service(reader, width):
    page = {"doc": "animals.pdf", "page": 1, "passwords": (), "width": width}
    status, said = call(reader, "page_jpeg", page)
    assert (status, said["error"]["type"]) == (422, "UsageError")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("search", None),
        ("search", [1]),
        ("search", {}),
        ("search", {**SEARCH, "k": 101}),
        ("search", {**SEARCH, "k": 1e9}),
        ("ask", {"question": "bees", "k": 101, "where": []}),
        ("search", {**SEARCH, "k": "9"}),
        ("search", {**SEARCH, "more": 1}),
        ("nothing", {}),
        ("__class__", {}),
        ("ingest", {"paths": ["/etc"], "recursive": True}),
        ("gone", {"paths": ["/"]}),
        ("forget", {"gone": []}),
        ("repool", {"name": "x", "table": {}}),
        ("verify", {"repair": True}),
        ("verify", {"repair": 1}),
        ("job", {}),
        ("job", {"id": "none"}),
        ("cancel", {"id": ["x"]}),
    ],
)
def test_what_only_this_machine_may_ask_is_refused_and_so_is_what_is_no_call(reader, name, arguments):
    before = len(reader.service.jobs.all())
    status, said = call(reader, name, arguments)
    assert status == 422
    assert said.keys() == {"error"}
    assert len(reader.service.jobs.all()) == before


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"null", b"{", b"\xff", b"[" * 100_000, b'{"$": "os.system"}'])
def test_a_body_that_is_no_call_is_refused(reader, body):
    answer = reader.post(f"{CALLS_PATH}/search", content=body)
    assert answer.status_code == 422
    assert loads(answer.content).keys() == {"error"}


def test_another_version_is_refused(reader):
    status, said = call(reader, "search", SEARCH, "0.0.1")
    assert (status, said.keys()) == (422, {"error"})


def test_no_file_is_drawn_but_the_one_that_was_indexed(writer):
    """Whoever can put another file in its place must not see it through the service."""
    ended(writer, writer.post("/v1/documents", files=files(("whales.pdf", WHALES))))
    page = {"doc": "whales.pdf", "page": 1, "passwords": ()}
    assert call(writer, "page_image", page)[0] == 200
    (writer.service.index.path / FOLDER / "whales.pdf").write_bytes(OWLS)
    status, said = call(writer, "page_image", page)
    assert status == 422
    assert "not the one that was indexed" in str(said["error"])


def test_many_queries_are_bounded(reader):
    asked = {"queries": ["bees"] * (MOST_QUERIES + 1), **{key: SEARCH[key] for key in ("k", "cascade", "where")}}
    status, said = call(reader, "search_many", asked)
    assert (status, f"{MOST_QUERIES} queries at most" in said["error"]["message"]) == (422, True)
    status, said = call(reader, "search_many", {**asked, "queries": ["bees", "ice"]})
    assert (status, [hits[0].rank for hits in said["result"]]) == (200, [1, 1])
    for wrong in ({"queries": "bees"}, {"queries": ["bees"], "k": 10_000}, {"queries": ["bees"], "more": 1}):
        assert call(reader, "search_many", {**asked, **wrong})[0] == 422


def test_over_http_a_hit_reads_its_page_at_the_service(reader):
    with Index.open(reader.url) as index:
        hits = index.search_many(["bees", "penguins"], 1)
        assert [found[0].text for found in hits] == [index.page_text(f[0].doc, f[0].page) for f in hits]
        assert "dance" in hits[0][0].snippet
        assert hits[0][0].image(200).width == 200
        assert "modelbuiltin" in index._repr_html_().replace('</td><td style="text-align:left;vertical-align:top">', "")
