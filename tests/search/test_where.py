"""The filter language, on an engine that holds documents and pages with metadata."""

import contextlib
import operator
import uuid
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.catalog.documents import KEYS, Document, Documents
from vrag.catalog.kinds import PAGE
from vrag.catalog.metadata import Types, as_filtered
from vrag.errors import UsageError
from vrag.search.where import MOST_PAGE, parse_where, parse_where_documents
from vrag.store.edge.edge import EdgeStore
from vrag.store.interface import Record, StageRequest, VectorField

ROWS = {
    "a": {"year": 2021, "who": "Jones", "day": "2021-05-31", "tags": ["x", "y"], "draft": True, "page": "left"},
    "b": {"year": 2022.5, "who": "salt and pepper", "day": "2022-01-01", "tags": ["y"], "draft": False},
    "c": {"year": -3, "who": "A, B", "day": "2022-12-31T23:30:00+00:00"},
    "d": {},
}
FIELDS = [VectorField("global", "single", 4, hnsw=True), VectorField("full", "multi", 4)]


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    store = EdgeStore.create(tmp_path_factory.mktemp("where") / "shard", FIELDS, KEYS)
    documents, types = Documents(store), Types(store)
    vectors = {"global": np.ones(4, np.float32), "full": np.ones((1, 4), np.float32)}
    for name, row in ROWS.items():
        meta = as_filtered(types.fit(row))
        documents.put(Document(name, (f"/x/{name}.pdf",), 2, meta=meta))
        for page in (1, 12):
            payload = {"kind": PAGE, "doc_id": name, "page": page, "source": "layer", "meta": meta}
            store.upsert([Record(str(uuid.uuid4()), payload, vectors)])
    yield documents
    store.close()


def found(documents, *clauses):
    records = documents.store.scroll(parse_where(clauses, documents))
    return sorted({record.payload["doc_id"] for record in records})


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("year=2021", "a"),
        ("year = 2021.0", "a"),
        ("year!=2021", "bcd"),
        ("year<0", "c"),
        ("year <= 2021", "ac"),
        ("year>2021", "b"),
        ("year>=2021", "ab"),
        ("year in (2021, -3)", "ac"),
        ("year in 2021,-3", "ac"),
        ("year = 2020..2022", "a"),
        ("meta.year >= 2022", "b"),
        ("who=Jones", "a"),
        ("who != Jones", "bcd"),
        ("who=salt and pepper", "b"),
        ('who="salt and pepper" and year>0', "b"),
        ('who in ("A, B", Jones)', "ac"),
        ("who = 'Jones'", "a"),
        ("tags=y", "ab"),
        ("tags=x", "a"),
        ("tags!=x", "bcd"),
        ("draft=true", "a"),
        ("draft != TRUE", "bcd"),
        ("day=2021", "a"),
        ("day=2022", "bc"),
        ("day = 2022-12", "c"),
        ("day=2022-12-31", "c"),
        ("day < 2022", "a"),
        ("day <= 2022-01-01", "ab"),
        ("day > 2022-01", "c"),
        ("day>=2022", "bc"),
        ("day > 2022-12-31T23:29Z", "c"),
        ("day = 2021-06..2022-06", "b"),
        ("day in (2021, 2022-12)", "ac"),
        ("day != 2022", "ad"),
        ("doc=a.pdf", "a"),
        ("doc in (a.pdf, c.pdf)", "ac"),
        ("doc != a.pdf", "bcd"),
        ("year > 0 AND draft=false", "b"),
        ("source=layer and meta.page=left", "a"),
        ("source=ocr", ""),
    ],
)
def test_a_filter_finds_what_it_says(documents, clause, expected):
    assert found(documents, clause) == list(expected)


@pytest.mark.parametrize(
    ("clause", "pages"),
    [
        ("page=1", {1}),
        ("page>1", {12}),
        ("page in 1,2", {1}),
        ("page!=1", {12}),
        ("page=2..12", {12}),
        ("page <= 12", {1, 12}),
    ],
)
def test_pages_are_compared_as_numbers(documents, clause, pages):
    assert {r.payload["page"] for r in documents.store.scroll(parse_where([clause], documents))} == pages


KINDS = {"year": "number", "who": "string", "day": "date", "tags": "list", "draft": "bool", "page": "string"}
OPS = ("=", "!=", "<", "<=", ">", ">=", "in")
WORDS = (
    *KINDS,
    *OPS,
    "doc",
    "page",
    "meta.",
    "and",
    " and ",
    "1",
    "1.5",
    "a.pdf",
    "..",
    "true",
    "2021-05",
    *" '\"(),\0\ud800\udcff",
)


@given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=20).map("".join))
def test_any_text_is_a_filter_or_one_sentence(documents, text):
    with contextlib.suppress(UsageError):
        documents.store.count(parse_where([text], documents))


plain = st.text(st.characters(exclude_characters="\"'", exclude_categories=["Cs", "Cc"]), max_size=20)
texts = st.tuples(st.sampled_from(["who", "tags"]), st.sampled_from(["=", "!="]), plain.map('"{}"'.format))
numbers = st.tuples(
    st.just("year"), st.sampled_from(OPS[:6]), st.floats(allow_nan=False, allow_infinity=False).map(repr)
)
pages = st.tuples(st.just("page"), st.sampled_from(OPS[:6]), st.integers(1, MOST_PAGE).map(str))
days = st.tuples(st.just("day"), st.sampled_from(OPS[:6]), st.dates(date(1, 1, 1), date(9999, 12, 30)).map(str))


@given(st.lists(texts | numbers | pages | days, min_size=1, max_size=4), st.sampled_from(["", " ", "   "]))
def test_what_is_written_is_what_is_asked(documents, clauses, space):
    written = [space.join(clause) for clause in clauses]
    together = parse_where([" and ".join(written)], documents)
    assert together == parse_where(written, documents)
    assert len(together.conditions) == 1 + len(clauses)
    for (key, op, value), condition in zip(clauses, together.conditions[1:], strict=True):
        assert condition.key.removeprefix("meta.") == key
        assert condition.negate == (op == "!=")
        if key in ("who", "tags"):
            assert condition.values == (value[1:-1].strip(),)
        if key == "year" and op == "=":
            assert condition.intervals[0].gte == condition.intervals[0].lte == float(value)
    documents.store.count(together)


@pytest.mark.parametrize(
    ("clause", "says"),
    [
        ("page=1180591620717411303424", "page number from 1"),
        (f"page={'9' * 5000}", "page number from 1"),
        ("page=1.5", "page number from 1"),
        ("page=\u0661", "page number from 1"),
        ("page=0", "page number from 1"),
        ("year=1e999", "out of range"),
        ("year=nan", "not a finite number"),
        ("year<-inf", "not a finite number"),
        (f"year={'9' * 500}", "out of range"),
        ("year=1_000", "not a finite number"),
        ("who=\0" + "7\0", ""),
        ("\0" + "0\0=x", "is not KEY=VALUE"),
        ("x" * 20_001, "longer than 20000 characters"),
        (" and ".join(["year>0"] * 101), "101 clauses"),
        ("doc=\ud800.pdf", "No document called"),
        ("doc=\udcff and page=1", "No document called"),
    ],
)
def test_hostile_filters_are_one_sentence(documents, clause, says):
    if not says:
        assert found(documents, clause) == []
        return
    with pytest.raises(UsageError, match=says) as caught:
        parse_where([clause], documents)
    assert len(str(caught.value)) < 500


def test_a_filter_is_text(documents):
    with pytest.raises(UsageError, match="A filter is text, not int"):
        parse_where([3], documents)


def test_clauses_are_joined_by_and(documents):
    assert found(documents, "year>0", "tags=y", "draft=false") == ["b"]
    assert found(documents, "year>0 and tags=y and draft=false") == ["b"]


def test_a_filter_holds_on_every_stage(documents):
    selection = parse_where(["year >= 2022 and day=2022"], documents)
    query = np.ones(4, np.float32)
    stages = [StageRequest("global", query, 2, hnsw=True), StageRequest("full", query[None], 2)]
    assert {hit.payload["doc_id"] for hit in documents.store.query(stages, selection)} == {"b"}


def test_documents_are_selected_as_pages_are(documents):
    chosen = documents.selected(parse_where_documents(["year>0", "doc!=b.pdf"], documents))
    assert [document.doc_id for document in chosen] == ["a"]
    with pytest.raises(UsageError, match="by page chooses single pages"):
        parse_where_documents(["page=1"], documents)


@pytest.mark.parametrize(
    ("clause", "says"),
    [
        ("colour=red", "Unknown filter key 'colour'"),
        ("year", "not KEY=VALUE"),
        ("year=", "not KEY=VALUE"),
        ("=3", "not KEY=VALUE"),
        ("year=abc", "needs a number"),
        ("day=soon", "needs a date"),
        ("day=2022-13", "needs a date"),
        ("day=9999", "needs a date"),
        ("draft=maybe", "must be true or false"),
        ("who<Jones", "no order"),
        ("doc>a.pdf", "no order"),
        ("doc=zzz.pdf", "No document called"),
        ("page=x", "page number from 1"),
        ("page=0", "page number from 1"),
        ("year in ()", "lists nothing"),
    ],
)
def test_a_wrong_filter_is_one_sentence(documents, clause, says):
    with pytest.raises(UsageError, match=says):
        parse_where([clause], documents)


def test_an_unknown_key_is_answered_with_those_there_are(documents):
    with pytest.raises(UsageError) as caught:
        parse_where(["yeer=2"], documents)
    assert caught.value.hint == "Keys: doc, page, source, renderer, day, draft, page, tags, who, year."


OPERATORS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@given(st.sampled_from(sorted(OPERATORS)), st.sampled_from([-3, -2.5, 0, 2021, 2022, 2022.5, 3000]))
def test_numbers_compare_as_in_python(documents, op, number):
    compared = [name for name, row in ROWS.items() if "year" in row and OPERATORS[op](row["year"], number)]
    assert found(documents, f"year {op} {number}") == compared + (["d"] if op == "!=" else [])


@given(st.text(max_size=30))
def test_any_text_is_a_filter_or_a_usage_error(documents, text):
    with contextlib.suppress(UsageError):
        assert parse_where([text], documents).conditions[0].key == "kind"
