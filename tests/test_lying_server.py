"""An index on a server that lies: one sentence, in its time, whatever is told; nothing is fetched elsewhere."""

import base64
import contextlib
import itertools
import time
import tracemalloc
import zlib

import pytest

from tests.store.backend import Backend
from tests.store.lying import lying
from tests.store.rest import rest_server
from tests.store.test_conformance import LOCAL_MODE
from tests.store.test_lies import JUNK, changed, places
from vrag import Index
from vrag.embedders.families import load_embedder
from vrag.errors import StoreError, VragError
from vrag.places.place import FolderPlace, ServerPlace
from vrag.store.server.address import Server
from vrag.upkeep.transfer import transfer

pytestmark = LOCAL_MODE


class Quiet:
    def starting(self, records):
        pass

    def done(self, records):
        pass


@pytest.fixture(scope="module")
def url(indexed):
    with rest_server(Backend()) as url:
        transfer(FolderPlace(indexed), place(url), Quiet())
        yield url


@pytest.fixture(autouse=True)
def _one_embedder(monkeypatch):
    """The real model, loaded once."""
    monkeypatch.setattr(
        "vrag.places.opening.load_embedder", lambda name, **_: MODEL.setdefault(name, load_embedder(name))
    )


MODEL = {}


def place(url, timeout=30.0):
    return ServerPlace(Server(url, grpc_port=0, timeout=timeout), "vrag")


def test_a_search_and_its_opening_have_their_time_each_and_a_command_has_one(url, cli):
    asked, pause = [], [0.5]

    def lie(handler, body, answer):
        asked.append(handler.path)
        time.sleep(pause[0])
        return answer

    with lying(url, lie) as bad:
        done = cli("search", "penguins", "--url", bad, "--timeout", "1.2", env={"VRAG_QDRANT_GRPC_PORT": "0"})
        assert (done.code, len(asked) <= 4) == (1, True)
        assert "did not answer in time" in done.err
        with pytest.raises(StoreError, match="did not answer in time"):
            Index.open(place(bad, 1.2))
        asked.clear()
        pause[0] = 0
        with Index.open(place(bad, 60)) as index:
            assert index.search("penguins")[0].page == 2
    assert len(asked) > 4  # so that a command that gave each its time would have gone on


def of_kind(kind, change):
    """A lie about every record of a kind that is told."""

    def lie(handler, body, answer):
        for point in points_of(answer.get("result")):
            if point["payload"] is not None and point["payload"].get("kind", "page") == kind:
                change(point["payload"])
        return answer

    return lie


def points_of(result):
    """Points of an answer, or of each of several."""
    if isinstance(result, list):
        return [point for one in result for point in one.get("points", [one])]
    return result.get("points", ()) if isinstance(result, dict) else ()


def set_fact(*path_and_value):
    *path, key, value = path_and_value

    def change(payload):
        at = payload["facts"]
        for step in path:
            at = at[step]
        at[key] = value

    return change


FACTS = {
    "a cascade of commas": set_fact("pipeline", "table", "cascades", {"best": "rrf(" + "," * 100_000 + ")"}),
    "a default cascade of commas": set_fact("pipeline", "table", "search", {"cascade": "union(" + "," * 40_000 + ")"}),
    "a deep table": set_fact("pipeline", "table", "cascades", {"a": [[[[[[[[1]]]]]]]]}),
    "many vectors": set_fact("pipeline", "table", "vectors", {f"v{n}": {"pooling": "runs"} for n in range(9000)}),
    "no name": set_fact("pipeline", "name", None),
    "no table": set_fact("pipeline", "table", None),
    "a list for a table": set_fact("pipeline", "table", []),
    "a page setting": set_fact("pipeline", "table", "page", {"dpi": -1}),
    "no dimension": set_fact("dim", "x"),
    "a dimension beyond memory": set_fact("dim", 10**15),
    "no fingerprint": set_fact("fingerprint", 3),
    "a fact that is none": set_fact("fingerprint", "canary", ["x"]),
    "query tokens": set_fact("fingerprint", "query_tokens", ["x"]),
    "another format": set_fact("format", "9" * 10_000),
    "no format": set_fact("format", None),
    "a model that is none": set_fact("pipeline", "table", "model", "x" * 5000),
    "a model with a NUL": set_fact("pipeline", "table", "model", "a\0b"),
}


@pytest.mark.parametrize("name", FACTS)
def test_facts_that_lie_are_a_sentence(url, name):
    with lying(url, of_kind("index", FACTS[name]), "/points") as bad:
        started = time.monotonic()
        with pytest.raises(VragError) as caught:
            Index.open(place(bad))
    assert time.monotonic() - started < 20
    assert len(str(caught.value)) < 1500


def test_facts_that_name_a_model_have_nothing_fetched(url, process, tmp_path):
    asked = []
    lie = of_kind("index", set_fact("pipeline", "table", "model", "somebody/model"))
    with (
        lying(url, lambda handler, body, answer: asked.append(handler.path), "") as hub,
        lying(url, lie, "/points") as bad,
    ):
        env = {"HF_ENDPOINT": hub, "HF_HOME": str(tmp_path / "hf"), "VRAG_QDRANT_GRPC_PORT": "0"}
        done = process("search", "krill", "--url", bad, "--json", env={**env, "HF_HUB_DISABLE_XET": "1"})
    assert (done.code, asked) == (1, [])
    assert "somebody/model" in done.json["error"]
    assert "hf download somebody/model" in done.json["hint"] or "pip install" in done.json["hint"]


BOMB = base64.b64encode(zlib.compress(bytes(256 << 20), 9)).decode()
PAGES = {
    "boxes that are a bomb": {"boxes": BOMB},
    "lines that are a bomb": {"lines": BOMB},
    "a grid that is a bomb": {"grid": BOMB},
    "boxes that are no base64": {"boxes": "\u00fc"},
    "boxes cut off": {"boxes": base64.b64encode(zlib.compress(bytes(80))[:-5]).decode()},
    "fewer boxes than words": {"boxes": base64.b64encode(zlib.compress(bytes(8))).decode()},
    "tiles beyond memory": {"tiles": [[10**9, 10**9, 0, 0, 1, 1, False]]},
    "tiles of nothing": {"tiles": [[0, 0, 0, 0, 1, 1, False]]},
    "tiles that are none": {"tiles": [["x"]]},
    "more words": {"text": "w " * 100_000},
}


def test_pages_that_lie_are_a_sentence_and_take_no_memory(url):
    told = [{}]
    with (
        lying(url, of_kind("page", lambda payload: payload.update(told[0])), "/points") as bad,
        Index.open(place(bad)) as index,
    ):
        hit = index.search("krill")[0]
        for told[0] in PAGES.values():
            tracemalloc.start()
            with pytest.raises(StoreError):
                index.matches("krill", hit)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < 128 << 20
            with contextlib.suppress(VragError):
                index.search("krill")


def everything(index):
    """What reads an index, each until it gives up."""
    yield lambda: index.search("krill")
    yield lambda: index.search("krill", where="doc=animals.pdf", words="typed")
    yield lambda: index.explain("krill", "animals.pdf", 2)
    yield lambda: index.find_documents()
    yield lambda: index.failures()
    yield lambda: index.verify()
    yield lambda: list(index.texts())
    yield lambda: index.vectors("animals.pdf", 2)


@pytest.mark.parametrize("kind", ["page", "document", "context"])
def test_any_record_that_is_something_else_is_a_sentence_or_does_no_harm(url, kind):
    wrong = []

    def spoil(payload):
        for path, junk in wrong:
            with contextlib.suppress(KeyError, IndexError):
                payload.update(changed(payload, path, junk))
            if junk is _GONE:
                payload.pop(path[0], None)

    seen = {}
    lie = of_kind(kind, lambda payload: seen.update(payload) or spoil(payload))
    with lying(url, lie) as bad, Index.open(place(bad)) as index:
        for ask in everything(index):
            ask()
        paths = [path for path in places(dict(seen)) if path]
        for path, junk in itertools.islice(itertools.product(paths, [_GONE, *JUNK]), None, None, 29):
            wrong[:] = [(path, junk)]
            index._searcher.forget()
            index.documents._labels.forget()
            for ask in everything(index):
                with contextlib.suppress(VragError):
                    ask()


class _Gone:
    pass


_GONE = _Gone
