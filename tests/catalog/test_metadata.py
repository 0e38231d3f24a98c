"""Typed metadata: from the command line, from tables, from sidecars, from PDFs."""

import json

import pytest
from hypothesis import given as given_that
from hypothesis import strategies as st

from vrag.catalog import metadata
from vrag.catalog.documents import KEYS, Document, Documents
from vrag.catalog.metadata import (
    Types,
    as_filtered,
    from_json,
    from_text,
    is_date,
    key_name,
    kind_of,
    of_file,
    pdf_date,
    together,
)
from vrag.errors import UsageError
from vrag.ingest.metadata_files import Given, given, read_sidecar, read_table
from vrag.search.where import parse_where_documents
from vrag.store.edge.edge import EdgeStore
from vrag.store.interface import Record, VectorField


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("2024", 2024, "number"),
        ("-1.5", -1.5, "number"),
        ("1e3", 1000, "number"),
        ("007", "007", "string"),
        ("1.", "1.", "string"),
        ("true", True, "bool"),
        ("False", False, "bool"),
        ("2024-03-01", "2024-03-01", "date"),
        ("2024-03-01T10:30Z", "2024-03-01T10:30:00+00:00", "date"),
        ("2024-03-01 10:30", "2024-03-01T10:30:00+00:00", "date"),
        ("2024-13-01", "2024-13-01", "string"),
        ("[a, b c,]", ["a", "b c"], "list"),
        ('"2024"', "2024", "string"),
        ("  Jones ", "Jones", "string"),
        ("a\x00b\udce9", "a b", "string"),
    ],
)
def test_values_are_typed_as_people_type_them(text, value, kind):
    assert from_text(text) == value
    assert type(from_text(text)) is type(value)
    assert kind_of(from_text(text)) == kind


def test_json_values_keep_their_types():
    assert [from_json(v) for v in (1.0, 1.5, True, "x", [1, "a"])] == [1, 1.5, True, "x", ["1", "a"]]
    for bad in ({"a": 1}, float("inf"), None):
        with pytest.raises(ValueError, match="must be"):
            from_json(bad)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("D:20240301123000+01'00'", "2024-03-01"),
        ("D:2024", "2024-01-01"),
        ("20240301", "2024-03-01"),
        ("D:20241399", ""),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_dates_of_pdfs(text, day):
    assert pdf_date(text) == day


@given_that(st.text())
def test_whatever_a_pdf_says_of_itself_is_fit_to_be_stored(text):
    own = of_file(text, text, text)
    json.dumps(own).encode()
    assert all(value == value.strip() and len(value) <= 1000 and "\0" not in value for value in own.values())
    assert "date" not in own or is_date(own["date"])


@given_that(st.text(max_size=20))
def test_keys_are_words(text):
    key = key_name(text)
    assert key == key_name(key)
    assert key == "" or key.replace("_", "a").isalnum()


def test_later_layers_win():
    layers = {"given": {"a": 3}, "own": {"a": 1, "b": 1, "c": 1}, "sidecar": {"a": 2, "b": 2}}
    assert together(layers) == {"a": 3, "b": 2, "c": 1}


def test_truth_is_stored_as_a_word():
    assert as_filtered({"a": True, "b": 1, "c": ["x"]}) == {"a": "true", "b": 1, "c": ["x"]}


@pytest.fixture
def types(tmp_path):
    store = EdgeStore.create(tmp_path / "shard", [VectorField("full", "multi", 4)], KEYS)
    yield Types(store)
    store.close()


def test_so_many_keys_get_an_index_and_it_is_said_once(types, caplog, monkeypatch):
    indexed = []
    whole = types._store.index_keys
    monkeypatch.setattr(types._store, "index_keys", lambda keys: (indexed.extend(keys), whole(keys)))
    values = {f"k{number}": number for number in range(metadata.MOST_INDEXED + 5)}
    types.fit({"title": "Whales"})
    types.fit(values)
    types.fit({"one_more": "x"})
    first = ["title", *list(values)[: metadata.MOST_INDEXED - 1]]
    assert indexed == [f"meta.{key}" for key in first]
    assert list(types.indexed()) == first
    assert len(types.known()) == metadata.MOST_INDEXED + 7
    (said,) = caplog.messages
    assert f"{metadata.MOST_INDEXED} have an index: title, k0, k1, " in said


def test_keys_of_an_index_from_before_the_limit_are_all_indexed(types):
    known = {f"k{number}": "number" for number in range(metadata.MOST_INDEXED + 5)}
    types._store.upsert([Record(types._id, {"kind": "types", "types": known})])
    assert types.indexed() == known


def test_too_many_keys_or_values_are_refused(types, monkeypatch):
    monkeypatch.setattr(metadata, "MOST_KEYS", 3)
    types.fit({"a": 1, "b": 2})
    with pytest.raises(UsageError, match="With c, d the index would have 4 metadata keys; 3 is the most"):
        types.fit({"d": 1, "c": 2})
    with pytest.raises(UsageError, match=r"Metadata of 66,\d\d\d bytes is more than the 65,536"):
        types.fit({"a": 1, "c": ["x" * 1000] * 66})
    assert types.known() == {"a": "number", "b": "number"}


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("year >= 2024", {"new"}),
        ("year != 2024", {"old"}),
        ("date <= 2020-03", {"old"}),
        ("draft = true", {"new"}),
        ("tags in (ice, sand)", {"old"}),
        ("who = Jones and year < 2024", {"old"}),
    ],
)
def test_a_filter_finds_the_same_without_an_index(types, monkeypatch, where, found):
    monkeypatch.setattr(metadata, "MOST_INDEXED", 0)
    documents = Documents(types._store)
    for name, values in (
        ("old", {"year": 2020, "date": "2020-03-31", "draft": False, "tags": ["ice", "sea"], "who": "Jones"}),
        ("new", {"year": 2024, "date": "2024-01-01", "draft": True, "tags": ["sea"], "who": "Jones"}),
    ):
        documents.put(Document(name, (f"/{name}.pdf",), 1, meta=as_filtered(types.fit(values))))
    assert types.indexed() == {}
    assert {document.doc_id for document in documents.selected(parse_where_documents([where], documents))} == found


def test_a_key_has_one_type_in_the_index(types):
    assert types.known() == {}
    types.fit({"year": 2024, "who": "Jones", "day": "2024-03-01", "tags": ["a"], "draft": True})
    assert types.known() == {"year": "number", "who": "string", "day": "date", "tags": "list", "draft": "bool"}
    assert types.fit({"who": 7, "day": 2023, "tags": "b", "year": 1.5}) == {
        "who": "7",
        "day": "2023-01-01",
        "tags": ["b"],
        "year": 1.5,
    }
    for key, value in (("year", "last"), ("draft", "maybe"), ("day", "soon"), ("who", ["x"])):
        with pytest.raises(UsageError, match=f"Metadata {key}=.* is a .*, but {key} is a "):
            types.fit({key: value})


def test_clauses_and_tables_are_given_together(tmp_path):
    (tmp_path / "m.csv").write_text("\ufeffFile,Year,Part No\na.pdf,2023,007\nsub/b.pdf,2024,8\n/x/c.pdf,,9\n")
    meta = given(["project=alpha", "year="], tmp_path / "m.csv")
    assert meta.of(tmp_path / "a.pdf") == {"year": None, "part_no": "007", "project": "alpha"}
    assert given([], tmp_path / "m.csv").of(tmp_path / "sub" / "b.pdf") == {"year": 2024, "part_no": "8"}
    assert given([], tmp_path / "m.csv").of(tmp_path / "b.pdf") == {}
    assert Given().of(tmp_path / "a.pdf") == {}


def test_a_jsonl_table(tmp_path):
    rows = [{"file": "a.pdf", "tags": ["x", "y"], "n": 1}, {"file": "a.pdf", "m": None, "k": "v"}]
    (tmp_path / "m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert read_table(tmp_path / "m.jsonl") == {"a.pdf": {"tags": ["x", "y"], "n": 1, "k": "v"}}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("m.csv", b"name,year\na.pdf,2\n", "needs a column 'file'"),
        ("m.csv", b"\xff\xfe\x00", "cannot be read"),
        ("m.jsonl", b"{", "line 1: not JSON"),
        ("m.jsonl", b"[]", "needs a JSON object"),
        ("m.jsonl", b'{"file": "a", "x": {"y": 1}}', "line 1: x: a value must be"),
        ("m.jsonl", b"\n" + b"[" * 100_000, "line 2: nested more than 64 deep"),
        ("m.jsonl", b'{"file": "a", "x": 1e999}', "line 1: out of range"),
        ("m.jsonl", b'{"file": "a", "x": NaN}', "line 1: NaN is not a finite number"),
        ("m.csv", b"file,x\na.pdf,1e999\n", "m.csv: x='1e999' is out of range"),
        ("m.csv", b"file,x\na.pdf," + b"9" * 5000, "m.csv: x='9+…9+' is out of range"),
        ("m.csv", b"file,x\na.pdf," + b"9" * 200_000, "cannot be read: field larger than field limit"),
        ("missing.csv", None, "cannot be read"),
    ],
)
def test_a_bad_table_is_one_sentence(tmp_path, name, content, says):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=says):
        read_table(tmp_path / name)


def test_a_clause_must_have_a_key():
    for clause in ("year", "=3", "!!=3"):
        with pytest.raises(UsageError, match="not KEY=VALUE"):
            given([clause])


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 5000])
def test_a_number_in_a_clause_is_finite(number):
    with pytest.raises(UsageError, match="Metadata year='.*' is out of range"):
        given([f"year={number}"])
    assert given([f'year="{number}"']).for_all["year"] == number[:1000]


def test_a_sidecar_stands_beside_its_file(tmp_path):
    assert read_sidecar(tmp_path / "a.pdf") == {}
    (tmp_path / "a.pdf.json").write_text('{"Year": 2024, "gone": null}')
    assert read_sidecar(tmp_path / "a.pdf") == {"year": 2024}


@pytest.mark.parametrize("length", [250, 251, 255])
def test_a_name_may_be_too_long_for_a_sidecar(tmp_path, length):
    path = tmp_path / f"{'n' * (length - 4)}.pdf"
    path.touch()
    assert read_sidecar(path) == {}


@pytest.mark.parametrize("content", ["[1]", "{", '{"a": {"b": 1}}', "[" * 100_000, '{"a": 1e999}', "x" * (1 << 21)])
def test_a_bad_sidecar_is_one_sentence(tmp_path, content):
    (tmp_path / "a.pdf.json").write_text(content)
    with pytest.raises(UsageError, match=r"a\.pdf\.json"):
        read_sidecar(tmp_path / "a.pdf")
