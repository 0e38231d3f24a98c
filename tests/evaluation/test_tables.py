"""Data sets through `datasets`: three column schemas, two page sources, four ways to lie on the disk."""

import pytest
from datasets import Dataset, DatasetDict

from tests.evaluation import mirrors
from tests.evaluation.tiny import write_documents
from vrag.errors import VragError
from vrag.evaluation.benchmarks.benchmark import PageRef
from vrag.evaluation.benchmarks.hub import find_tables, has_tables
from vrag.evaluation.benchmarks.page_pictures import PictureFolder
from vrag.evaluation.benchmarks.parquet import read_benchmark

SCHEMAS = {"hyphens": mirrors.hyphens, "underscores": mirrors.underscores, "by_language": mirrors.by_language}


def read(folder, tmp_path):
    return read_benchmark(
        "name", find_tables(str(folder), "test", tmp_path / "cache"), PictureFolder(tmp_path / "pictures")
    )


def write_parquet_folders(folder, tables):
    for name, table in tables.items():
        (folder / name).mkdir(parents=True)
        table.to_parquet(str(folder / name / "test.parquet"))


def write_parquet_files(folder, tables):
    folder.mkdir()
    for name, table in tables.items():
        table.to_parquet(str(folder / f"{name}.parquet"))


def save_each(folder, tables):
    for name, table in tables.items():
        table.save_to_disk(str(folder / name))


def save_each_with_split(folder, tables):
    for name, table in tables.items():
        DatasetDict({"test": table}).save_to_disk(str(folder / name))


WAYS = {
    "hub": mirrors.write_tables, "parquet folders": write_parquet_folders, "parquet files": write_parquet_files,
    "saved": save_each, "saved with a split": save_each_with_split,
}  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_schema_gives_the_same_questions_and_pages(schema, tmp_path):
    folder = mirrors.write_tables(tmp_path / schema, SCHEMAS[schema]())
    benchmark = read(folder, tmp_path)
    texts = [query.text for query in benchmark.queries if query.language == "english"]
    assert texts == mirrors.QUESTIONS["english"]
    pages = list(benchmark.corpus.values())
    assert len(pages) == 4
    assert pages[1] == pages[3] != pages[0]  # the same picture, two ids
    assert len(benchmark.ids[pages[1]]) == 2
    assert len(list((tmp_path / "pictures").rglob("*.png"))) == 3
    assert all(file.is_file() for file in benchmark.files)
    for language in benchmark.languages:
        grades = [g for q in benchmark.judged if q.language == language for g in benchmark.qrels[q.id].values()]
        assert grades == [2, 1]


def test_tables_by_language_share_one_corpus(tmp_path):
    benchmark = read(mirrors.write_tables(tmp_path / "m", mirrors.by_language()), tmp_path)
    assert benchmark.languages == ["english", "french"]
    assert [query.id for query in benchmark.queries] == ["english:q0", "english:q1", "french:q0", "french:q1"]
    assert benchmark.qrels["french:q1"] == {"c1": 1}
    assert list(benchmark.corpus) == ["c0", "c1", "c2", "c3"]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_lie_on_the_disk(way, tmp_path):
    folder = tmp_path / "set"
    WAYS[way](folder, mirrors.hyphens())
    assert has_tables(folder)
    benchmark = read(folder, tmp_path)
    assert len(benchmark.corpus) == 4
    assert benchmark.languages == ["english", "french"]


def test_tables_saved_as_one_dictionary(tmp_path):
    # Tables of one dictionary must have the same columns in old versions of datasets; they need not now.
    DatasetDict(mirrors.hyphens()).save_to_disk(str(tmp_path / "set"))
    assert len(read(tmp_path / "set", tmp_path).queries) == 4


def test_pages_of_pdfs_beside_the_tables(tmp_path):
    tables = mirrors.underscores()
    pages = {"corpus_id": [0, 1, 2], "doc_id": ["1", "1", "machines"], "page_number_in_doc": [1, 2, 1]}
    tables["corpus"] = Dataset.from_dict(pages)
    tables["documents_metadata"] = Dataset.from_dict({"doc_id": ["1"], "file_name": ["animals.pdf"]})
    folder = mirrors.write_tables(tmp_path / "set", tables)
    with pytest.raises(VragError, match="no 'image' column, and there is no folder"):
        read(folder, tmp_path)
    write_documents(folder / "pdfs")
    benchmark = read(folder, tmp_path)
    assert benchmark.corpus == {"0": PageRef("animals.pdf", 1), "1": PageRef("animals.pdf", 2),
                                "2": PageRef("machines.pdf", 1)}  # fmt: skip
    assert benchmark.pdfs == folder / "pdfs"
    (folder / "pdfs" / "machines.pdf").unlink()
    with pytest.raises(VragError, match="corpus, row 3: there is no 'machines'"):
        read(folder, tmp_path)


def broken(**changes):
    return {**mirrors.hyphens(), **changes}


MISTAKES = [
    (broken(qrels=Dataset.from_dict({"query-id": [0], "corpus-id": [77], "score": [1]})),
     "qrels, row 1: unknown corpus id 77"),
    (broken(queries=Dataset.from_dict({"query-id": [0, 0], "query": ["a", "b"]})), "queries, row 2: query id 0"),
    (broken(queries=Dataset.from_dict({"query-id": [0], "words": ["a"]})), "queries, row 1: 'query' is missing"),
    ({k: t for k, t in mirrors.hyphens().items() if k != "qrels"}, "has no table 'qrels', only corpus, queries"),
]  # fmt: skip


@pytest.mark.parametrize(("tables", "message"), MISTAKES)
def test_a_mistake_names_table_and_row(tables, message, tmp_path):
    with pytest.raises(VragError) as caught:
        read(mirrors.write_tables(tmp_path / "set", tables), tmp_path)
    assert message in str(caught.value)


def test_a_picture_that_is_none(tmp_path):
    tables = mirrors.hyphens()
    rows = tables["corpus"].cast_column("image", mirrors.Image(decode=False)).to_list()
    rows[2]["image"] = {"bytes": b"not a picture", "path": None}
    tables["corpus"] = Dataset.from_list(rows, features=tables["corpus"].features)
    with pytest.raises(VragError, match="corpus, row 3: 'image' is no PNG, JPEG, TIFF or WebP"):
        read(mirrors.write_tables(tmp_path / "set", tables), tmp_path)


def test_languages_with_different_pages(tmp_path):
    tables = mirrors.by_language()
    tables["french-corpus"] = tables["french-corpus"].select([0, 1, 2])
    with pytest.raises(VragError, match="the pages of french are not those of english"):
        read(mirrors.write_tables(tmp_path / "set", tables), tmp_path)


def test_a_broken_file(tmp_path):
    folder = mirrors.write_tables(tmp_path / "set", mirrors.hyphens())
    (folder / "qrels" / "test-00000-of-00001.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(VragError, match="cannot be read"):
        read(folder, tmp_path)


def test_a_folder_that_changed_is_read_again(tmp_path):
    folder = mirrors.write_tables(tmp_path / "set", mirrors.underscores())
    assert len(read(folder, tmp_path).queries) == 2
    more = Dataset.from_dict({"query_id": [0, 1, 2], "query": ["a", "b", "c"]})
    more.to_parquet(str(folder / "queries" / "test-00000-of-00001.parquet"))
    assert len(read(folder, tmp_path).queries) == 3
