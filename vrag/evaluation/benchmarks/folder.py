"""Benchmarks in folders of JSON Lines: our own layout, and the classic one of BEIR."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vrag.errors import UsageError
from vrag.evaluation.benchmarks.benchmark import CORPUS_ID, Benchmark, PageRef, build_benchmark
from vrag.evaluation.benchmarks.rows import Row, read_rows, read_table
from vrag.pages.files import IMAGE_SUFFIXES

CORPUS = "corpus.jsonl"
QUERIES = "queries.jsonl"
QRELS = "qrels.jsonl"
QRELS_FOLDER = "qrels"
PDFS = "pdfs"
IMAGES = "images"
DOC = ("doc", "doc-id", "doc_id", "file_name", "file")
PAGE = ("page", "page_number", "page-number", "page_number_in_doc")


def is_folder_benchmark(folder: Path) -> bool:
    """Whether `folder` is in one of the two layouts."""
    return (folder / CORPUS).is_file() or (folder / QUERIES).is_file()


def load_benchmark(folder: str | Path) -> Benchmark:
    """Read a benchmark folder.

    Our layout: `pdfs/*.pdf`; `corpus.jsonl` {"corpus-id", "doc", "page" from 1}; `queries.jsonl`
    {"query-id", "query", and where known "doc", "type", "language"}; `qrels.jsonl` {"query-id", "corpus-id", "score"}.
    BEIR's: "_id" and "text" instead, judgements in `qrels/test.tsv` (or the only file there), and pages either as
    above or as pictures: a path in "image", else `images/ID.png` (or another image suffix).

    Args:
        folder: The folder; its name becomes the benchmark's.

    Raises:
        UsageError: The folder or one of its files is missing.
        VragError: A row is malformed, repeated, or refers to what is not there; file and line are named.
    """
    path = Path(folder)
    if not path.is_dir():
        raise UsageError(f"There is no benchmark folder {path}.")
    if not (path / CORPUS).is_file():
        hint = f"It needs {CORPUS}, {QUERIES} and judgements (docs/reference/evaluation.md). vrag eval make makes one."
        raise UsageError(f"{path} is no benchmark: {path / CORPUS} is missing.", hint)
    pages = _Pages(path)
    qrels = _qrels_file(path)
    files = (path / CORPUS, path / QUERIES, qrels)
    tables = (read_rows(files[0]), read_rows(files[1]), _read_qrels(qrels))
    places = (str(files[0]), str(files[1]), str(files[2]))
    return build_benchmark(path.absolute().name, pages.root, tables, places, pages.place)


class _Pages:
    """Finds the page that a row of the corpus means.

    Args:
        folder: The benchmark's folder; documents and pictures are in `pdfs/`, without one in the folder itself.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / PDFS if (folder / PDFS).is_dir() else folder
        self._present = {file.relative_to(self.root).as_posix() for file in self.root.rglob("*")}

    def place(self, row: Row) -> PageRef:
        """The page of a row: a picture, else a page of a document."""
        picture = None if row.key(*DOC) in row.fields else self._picture(row)
        if picture is not None:
            return PageRef(picture, 1)
        page = PageRef(row.text(*DOC), row.integer(*PAGE, least=1))
        if page.doc not in self._present:
            raise row.error(f"there is no {page.doc!r} in {self.root}")
        return page

    def _picture(self, row: Row) -> str | None:
        """Path of the row's picture below the root, None when it has none."""
        named = row.fields.get("image")
        if isinstance(named, str):
            if named not in self._present:
                raise row.error(f"there is no {named!r} in {self.root}")
            return named
        names = (f"{IMAGES}/{row.id(*CORPUS_ID)}{suffix}" for suffix in sorted(IMAGE_SUFFIXES))
        return next((name for name in names if name in self._present), None)


def _qrels_file(folder: Path) -> Path:
    """`qrels.jsonl`, else the test split of a `qrels/` folder, else its only file."""
    if (folder / QRELS).is_file() or not (folder / QRELS_FOLDER).is_dir():
        return folder / QRELS
    files = sorted((folder / QRELS_FOLDER).glob("*.tsv"))
    chosen = [file for file in files if file.stem == "test"] or files
    if len(chosen) != 1:
        names = ", ".join(file.name for file in files) or "no .tsv file"
        raise UsageError(f"{folder / QRELS_FOLDER} has {names}.", "The judgements to use must be called test.tsv.")
    return chosen[0]


def _read_qrels(path: Path) -> Iterator[Row]:
    return read_table(path, "\t") if path.suffix == ".tsv" else read_rows(path)
