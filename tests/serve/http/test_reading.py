"""Every route that reads, as docs/reference/api.md has it."""

import base64
import io
import json

import pytest
from PIL import Image

from vrag.ask.answer_json import reply_json
from vrag.pages.drawing import MOST_SIDE
from vrag.search.hits_json import answer_json
from vrag.serve.http.page_routes import _heat_size
from vrag.serve.http.shield import HEADERS
from vrag.serve.http.upload_limits import MOST_UPLOAD_BYTES

SNOW = {"query": "Where do leopards hunt?", "k": 2}
PROBLEM = {"type", "title", "status", "detail", "hint", "instance"}


def picture(answer):
    return Image.open(io.BytesIO(answer.content))


def assert_problem(answer, status, *said):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == PROBLEM
    assert answer.json()["status"] == status
    text = answer.json()["detail"] + answer.json()["hint"]
    assert "Traceback" not in text
    assert [part for part in said if part not in text] == []


def test_it_lives_and_can_search(reader):
    assert reader.get("/healthz").json() == {"status": "ok"}
    assert reader.get("/readyz").json() == {"status": "ready"}


def test_the_index_says_what_it_is(reader):
    facts = reader.get("/v1/index").json()
    assert facts["index"] == str(reader.service.index.path)
    assert (facts["documents"], facts["pages"], facts["model"]) == (2, 5, "builtin")
    assert facts["default_cascade"] in facts["cascades"]
    assert facts["bytes"] > 0
    assert facts["read_only"] is False
    assert facts["filters"] == []
    assert facts["uploads"]["max_files"] > 0
    assert facts["uploads"]["max_total_bytes"] == MOST_UPLOAD_BYTES


def test_an_answer_is_what_the_command_line_prints_with_addresses(reader):
    asked = {"question": "How often is the oil filter replaced?", "k": 2}
    answer = reader.post("/v1/ask", json=asked).json()
    printed = json.loads(json.dumps(reply_json(reader.service.index.ask(asked["question"], 2))))
    for name in ("quotes", "pages"):
        for mine, theirs in zip(answer[name], printed.pop(name), strict=True):
            assert mine == {**mine, **theirs}
    assert answer == {**answer, **printed}
    first = answer["quotes"][0]
    assert (first["doc"], first["page"], first["status"]) == ("machines.pdf", 1, "supported")
    assert reader.get(first["page_url"]).json()["page"] == 1
    assert picture(reader.get(first["image_url"])).size[0] > 100
    assert reader.get(answer["pages"][0]["thumbnail_url"]).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"question": ""}, 422),
        ({"question": "x", "k": 101}, 422),
        ({"question": "x", "more": 1}, 422),
        ({}, 422),
        ({"question": "x", "where": "doc=none.pdf"}, 400),
        ({"question": "   "}, 400),
    ],
)
def test_what_is_no_question_is_a_problem(reader, asked, status):
    assert_problem(reader.post("/v1/ask", json=asked), status)


def test_a_search_is_what_the_command_line_prints_with_addresses(reader):
    answer = reader.post("/v1/search", json=SNOW).json()
    hits = reader.service.index.search(SNOW["query"], 2, words="typed")
    printed = answer_json(SNOW["query"], answer["cascade"], answer["took_ms"], hits)
    for mine, theirs in zip(answer["hits"], json.loads(json.dumps(printed))["hits"], strict=True):
        assert mine == {**mine, **theirs}
    first = answer["hits"][0]
    assert (first["doc"], first["page"], first["rank"]) == ("animals.pdf", 1, 1)
    assert first["snippet"].startswith("The snow leopard")
    assert set(first["matched"]) >= {"leopard", "hunts"}
    assert first["relevance"] == round(hits[0].relevance, 4) > answer["hits"][1]["relevance"]
    assert set(answer) == {"query", "cascade", "took_ms", "found", "hits"}
    assert answer["found"]
    for key in ("page_url", "image_url", "thumbnail_url", "file_url"):
        assert reader.get(first[key]).status_code == 200, key
    assert first["file_url"].endswith("#page=1")


def test_the_least_relevance_holds_and_what_is_not_there_is_not_found(reader):
    answer = reader.post("/v1/search", json={"query": "How many shops does Netflix own in Canada?"}).json()
    assert not answer["found"]
    assert answer["hits"]
    asked = {"q": "How many shops does Netflix own in Canada?", "min_relevance": 0.15}
    answer = reader.get("/v1/search", params=asked).json()
    assert answer["hits"] == []
    assert "without a least relevance" in answer["why_empty"]
    assert reader.post("/v1/search", json={**SNOW, "min_relevance": 2}).status_code == 422


def test_what_a_hit_has_besides_is_asked_for(reader):
    hit = reader.post("/v1/search", json={**SNOW, "include": []}).json()["hits"][0]
    assert not hit.keys() & {"snippet", "text", "matches", "image"}
    everything = ["snippet", "text", "matches", "image"]
    hit = reader.post("/v1/search", json={**SNOW, "include": everything}).json()["hits"][0]
    assert hit["text"].splitlines()[0] == "The snow leopard lives in the mountains"
    assert {match["token"] for match in hit["matches"]} >= {"leopard"}
    head, data = hit["image"].split(",")
    assert head == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).width == 1000


def test_a_search_by_address_is_the_same(reader):
    by_body = reader.post("/v1/search", json={**SNOW, "where": ["doc=animals.pdf"]}).json()
    by_address = reader.get("/v1/search", params={"q": SNOW["query"], "k": 2, "where": "doc=animals.pdf"}).json()
    assert by_body["hits"] == by_address["hits"]
    assert {hit["doc"] for hit in by_body["hits"]} == {"animals.pdf"}


def test_a_search_that_finds_nothing_says_why(reader):
    asked = {"query": 'penguins "of the moon"', "where": "doc=animals.pdf"}
    answer = reader.post("/v1/search", json=asked).json()
    assert answer["hits"] == []
    assert 'Try without filters and "phrases" and -words.' in answer["why_empty"]


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"query": " "}, 400, "query"),
        ({"query": "x", "where": "nothing"}, 400, "KEY=VALUE"),
        ({"query": "x", "where": "doc=none.pdf"}, 400, "No document called"),
        ({"query": "x", "cascade": "fastest"}, 400, "fastest"),
        ({"query": "x", "k": 0}, 422, "body.k"),
        ({"query": "x", "k": 101}, 422, "body.k"),
        ({"query": "x", "k": "5"}, 422, "body.k"),
        ({"query": "x", "words": "loosely"}, 422, "body.words"),
        ({"query": "x", "limit": 3}, 422, "body.limit"),
        ({"query": "x" * 20_001}, 422, "body.query"),
        ({}, 422, "body.query"),
        ([], 422, "body"),
    ],
)
def test_a_search_that_cannot_be_asked_is_a_problem(reader, asked, status, said):
    assert_problem(reader.post("/v1/search", json=asked), status, said)


def test_how_documents_are_listed_is_said_as_a_request(reader):
    answer = reader.post("/v1/search", json={"query": "x", "where": "doc=none.pdf"})
    assert answer.json()["hint"] == "GET /v1/documents lists what is there."


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"query": "a", "query": "b"}',
        b"[" * 100_000,
        b'{"query": NaN}',
        b"\xff",
        b'{"query": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_body_that_is_no_json_is_a_problem(reader, body):
    answer = reader.post("/v1/search", content=body, headers={"content-type": "application/json"})
    assert_problem(answer, 400, "The body is")


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"])
def test_a_body_that_is_not_said_to_be_json_is_a_problem(reader, kind):
    """A form of any other page can send these; what people forget with curl is said."""
    answer = reader.post("/v1/search", content=b'{"query": "bees"}', headers={"content-type": kind})
    assert_problem(answer, 415, "Content-Type: application/json")


def test_an_explanation_is_for_machines_and_for_people(reader, animals):
    asked = {"query": "Where do leopards hunt?", "doc_id": animals["id"], "page": 1}
    found = reader.post("/v1/explain", json=asked).json()
    assert found == {**found, **reader.post("/v1/explain", json={**asked, "doc_id": None, "doc": "animals.pdf"}).json()}
    assert (found["doc"], found["page"], found["doc_id"]) == ("animals.pdf", 1, animals["id"])
    assert found["stages"][-1]["rank"] == 1
    summary = found["summary"]
    assert summary["standing"] == "This page came in as number 1 of the 5 that were compared last."
    assert any("“leopards”" in sentence for sentence in summary["sentences"])
    words = {word["word"]: word for word in summary["words"]}
    assert words["leopards"]["found"] == "leopard"
    assert sum(word["share"] for word in words.values()) == pytest.approx(1, abs=0.01)
    assert summary["region"] == found["counted"]["region"]


def test_a_page_that_is_not_there_is_not_explained(reader, animals):
    asked = {"query": "x", "doc_id": animals["id"]}
    assert_problem(reader.post("/v1/explain", json={**asked, "page": 9}), 404, "no page 9")
    assert_problem(reader.post("/v1/explain", json={**asked, "doc_id": "0" * 64}), 404)
    assert_problem(reader.post("/v1/explain", json={**asked, "doc": "animals.pdf"}), 400, "both name")
    assert_problem(reader.post("/v1/explain", json={"query": "x", "doc": "none.pdf"}), 404, "none.pdf")
    assert_problem(reader.post("/v1/explain", json={"query": "x", "doc": ""}), 422)
    assert_problem(reader.post("/v1/explain", json={"query": "x", "page": 1}), 400, "of which document")


def test_documents_are_listed_in_parts(reader):
    answer = reader.get("/v1/documents", params={"limit": 1, "sort": "-pages"}).json()
    assert (answer["total"], answer["limit"], answer["offset"]) == (2, 1, 0)
    (row,) = answer["documents"]
    assert (row["doc"], row["pages"], row["state"], row["failures"]) == ("animals.pdf", 3, "complete", [])
    rest = reader.get("/v1/documents", params={"limit": 1, "offset": 1, "sort": "-pages"}).json()["documents"]
    assert [row["doc"] for row in rest] == ["machines.pdf"]
    assert reader.get("/v1/documents", params={"limit": 0}).json()["documents"] == []
    assert reader.get("/v1/documents", params={"q": "MACH"}).json()["total"] == 1
    assert reader.get("/v1/documents", params={"state": "partial"}).json()["total"] == 0
    for by in ("doc", "title", "added", "state"):
        names = [row["doc"] for row in reader.get("/v1/documents", params={"sort": by}).json()["documents"]]
        assert names == ["animals.pdf", "machines.pdf"]
    assert reader.get(row["url"]).json() == row
    assert picture(reader.get(row["thumbnail_url"])).width == 240


@pytest.mark.parametrize("asked", [{"limit": 201}, {"limit": "x"}, {"offset": -1}, {"sort": "size"}, {"state": "new"}])
def test_a_list_that_cannot_be_asked_for_is_a_problem(reader, asked):
    assert_problem(reader.get("/v1/documents", params=asked), 422, f"query.{next(iter(asked))}")


@pytest.mark.parametrize(
    "doc_id", ["0" * 64, "x", "animals.pdf", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..", "%00", "A" * 64]
)
@pytest.mark.parametrize("rest", ["", "/file", "/thumbnail", "/pages/1", "/pages/1/image", "/pages/1/heatmap?q=x"])
def test_no_id_but_a_documents_leads_anywhere(reader, doc_id, rest):
    assert_problem(reader.get(f"/v1/documents/{doc_id}{rest}"), 404)


def test_a_page_has_words_with_their_places(reader, animals):
    page = reader.get(f"{animals['url']}/pages/2").json()
    assert (page["page"], page["pages"], page["source"]) == (2, 3, "layer")
    assert (page["width"], page["height"]) == (612, 792)
    assert [word["text"] for word in page["words"][:3]] == ["Emperor", "penguins", "breed"]
    first, last = page["words"][0], page["words"][-1]
    assert (first["line"], last["line"]) == (0, 1)
    assert 0 < first["box"][0] < first["box"][2] < 1
    assert page["text"].splitlines()[0].endswith("Antarctica")
    assert page["previous_url"].endswith("/pages/1")
    assert page["next_url"].endswith("/pages/3")
    assert reader.get(f"{animals['url']}/pages/3").json()["next_url"] is None


@pytest.mark.parametrize(
    ("number", "status"), [(0, 422), (-1, 422), (4, 404), (2**31, 422), ("one", 422), (10**30, 422)]
)
def test_a_page_that_is_not_there_is_a_problem(reader, animals, number, status):
    for rest in ("", "/image", "/thumbnail", "/heatmap?q=x"):
        assert_problem(reader.get(f"{animals['url']}/pages/{number}{rest}"), status)


@pytest.mark.parametrize("kind", ["webp", "jpeg", "png"])
def test_a_page_is_drawn_as_wide_as_it_is_wanted(reader, animals, kind):
    answer = reader.get(f"{animals['url']}/pages/1/image", params={"width": 900, "format": kind})
    assert answer.headers["content-type"] == f"image/{kind}"
    shown = picture(answer)
    assert (shown.format, shown.width) == (kind.upper(), 900)
    assert abs(shown.height - 900 * 792 / 612) <= 1


def test_a_picture_that_the_browser_has_is_not_sent_again(reader, animals):
    url = f"{animals['url']}/pages/1/thumbnail"
    answer = reader.get(url)
    again = reader.get(url, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "max-age" in answer.headers["cache-control"]


@pytest.mark.parametrize("asked", [{"width": 63}, {"width": 3001}, {"format": "gif"}])
def test_a_picture_that_cannot_be_drawn_is_a_problem(reader, animals, asked):
    assert_problem(reader.get(f"{animals['url']}/pages/1/image", params=asked), 422)


def hottest(answer, share):
    """Where a transparent picture is opaque, as shares of its sides, and whether it is anywhere."""
    alpha = picture(answer).convert("RGBA").getchannel("A")
    x0, y0, x1, y1 = alpha.point(lambda value: 255 if value > share * 255 else 0).getbbox()
    return x0 / alpha.width, y0 / alpha.height, x1 / alpha.width, y1 / alpha.height


def test_heat_lies_where_the_query_is_answered(reader, animals):
    url = f"{animals['url']}/pages/1"
    (leopard,) = [word["box"] for word in reader.get(url).json()["words"] if word["text"] == "leopard"]
    asked = reader.post("/v1/explain", json={"query": "leopards hunting", "doc_id": animals["id"], "page": 1}).json()
    tokens = next(word["tokens"] for word in asked["summary"]["words"] if word["word"] == "leopards")
    answer = reader.get(f"{url}/heatmap", params={"q": "leopards hunting", "token": tokens, "width": 600})
    assert picture(answer).size == (600, round(600 * 792 / 612))
    x0, y0, x1, y1 = hottest(answer, 0.8)
    assert x0 < (leopard[0] + leopard[2]) / 2 < x1
    assert y0 < (leopard[1] + leopard[3]) / 2 < y1
    assert y1 - y0 < 0.1
    assert reader.get(f"{url}/heatmap", params={"q": "leopards hunting"}).status_code == 200
    assert_problem(reader.get(f"{url}/heatmap", params={"q": "leopards", "token": 99}), 400, "99")
    known = {"If-None-Match": answer.headers["etag"]}
    same = {"q": "leopards hunting", "token": tokens, "width": 600}
    assert reader.get(f"{url}/heatmap", params=same, headers=known).status_code == 304
    for other in ({"q": "leopards"}, {"width": 500}, {"token": [0]}, {"words": "plain"}):
        assert reader.get(f"{url}/heatmap", params={**same, **other}, headers=known).status_code == 200


def test_the_heat_of_a_very_long_page_is_no_larger_than_its_picture():
    assert _heat_size(600, 1.5) == (600, 900)
    for shape in (1e-4, 20.0, 1e4):
        width, height = _heat_size(1600, shape)
        assert 1 <= width <= 1600
        assert 1 <= height <= MOST_SIDE
    assert _heat_size(1600, 20.0) == (MOST_SIDE // 20, MOST_SIDE)


def test_the_file_is_served_whole_or_in_part(reader, animals, folder):
    data = (folder / "animals.pdf").read_bytes()
    answer = reader.get(animals["file_url"])
    assert answer.content == data
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == 'inline; filename="animals.pdf"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    part = reader.get(animals["file_url"], headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, data[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{len(data)}"
    last = reader.get(animals["file_url"], headers={"Range": "bytes=-7"})
    assert (last.status_code, last.content) == (206, data[-7:])
    for asked in (f"bytes={len(data)}-", "bytes=-0", f"bytes={10**14}-{10**14}"):
        beyond = reader.get(animals["file_url"], headers={"Range": asked})
        assert_problem(beyond, 416)
        assert beyond.headers["content-range"] == f"bytes */{len(data)}"
    for asked in (
        "bytes=",
        "bytes=-",
        "bytes=9-5",
        "pages=1-2",
        "bytes=0-1,4-5",
        "bytes=0-1" * 99,
        f"bytes={'9' * 99}-",
    ):
        assert reader.get(animals["file_url"], headers={"Range": asked}).content == data
    for known in (answer.headers["etag"], "*", f'"x", {answer.headers["etag"]}'):
        same = reader.get(animals["file_url"], headers={"If-None-Match": known, "Range": "bytes=5-9"})
        assert (same.status_code, same.content) == (304, b"")
    head = reader.head(animals["file_url"])
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(data)))


def test_every_answer_protects_a_browser(reader, animals):
    for path in ("/", "/docs", "/v1/index", "/nothing", animals["file_url"], animals["thumbnail_url"], "/healthz"):
        answer = reader.get(path)
        assert set(answer.headers) >= {name.lower() for name in HEADERS}, path
        assert "unsafe" not in answer.headers["content-security-policy"]


def test_what_is_not_there_and_what_cannot_be_done_are_problems(reader):
    assert_problem(reader.get("/v1/nothing"), 404, "/docs")
    assert_problem(reader.get("/v1/documents/"), 404)
    assert_problem(reader.put("/v1/search"), 405, "PUT")
    assert_problem(reader.get("/v1/jobs/none"), 404)
    assert_problem(reader.post("/v1/jobs/none/cancel"), 404)
    assert_problem(reader.get("/v1/jobs/none/events"), 404)
    assert_problem(reader.get("/assets/../index.html"), 404)
    assert_problem(reader.get("/v1/reports/..%2f..%2findex.json"), 404)
    assert reader.head("/v1/index").content == b""


def test_the_docs_name_every_route_and_need_no_other_server(reader):
    page, api = reader.get("/docs").text, reader.get("/openapi.json").json()
    for path, methods in api["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in page
    assert "<script" not in page
    assert "http" not in page.replace("http.", "").split("<main>")[0]
    assert "vrag_pages 5.0" in reader.get("/metrics").text
