"""From the tables of a data set to a benchmark, whichever column schema they have.

Known are hyphens (`query-id`, `corpus-id`), underscores (`query_id`, `corpus_id`) and mteb's (`id` or `_id`, `text`);
tables for all languages with a `language` column, and tables a language; pages as pictures and as pages of PDFs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from vrag.errors import VragError
from vrag.evaluation.benchmarks.benchmark import CORPUS_ID, Benchmark, PageRef, PlacePage, build_benchmark
from vrag.evaluation.benchmarks.folder import DOC, PAGE, PDFS
from vrag.evaluation.benchmarks.hub import Tables, table_of
from vrag.evaluation.benchmarks.page_pictures import IMAGE, PictureFolder
from vrag.evaluation.benchmarks.rows import Row


def read_benchmark(name: str, tables: Tables, pictures: PictureFolder) -> Benchmark:
    """A benchmark from its tables; the corpus is read once, however many languages ask of it.

    Args:
        name: What it is called.
        tables: From `find_tables`.
        pictures: Where pages that come as pictures are written.

    Raises:
        VragError: A table is missing or cannot be read, or a row is malformed; the table and the row are named.
    """
    return table_of(tables, lambda: _read(name, tables, pictures))


def _read(name: str, tables: Tables, pictures: PictureFolder) -> Benchmark:
    first = tables.languages[0] if tables.languages else ""
    columns = tables.load("corpus", first).column_names
    root, place_page = (pictures.root, pictures.place) if IMAGE in columns else _documents(tables)
    _same_corpora(tables)
    rows = (tables.rows("corpus", first), _by_language(tables, "queries"), _by_language(tables, "qrels"))
    places = (f"{tables.place}, {tables.name('corpus', first)}", f"{tables.place}, queries", f"{tables.place}, qrels")
    return build_benchmark(name, root, rows, places, place_page, pages_once=False)


def _by_language(tables: Tables, kind: str) -> Iterator[Row]:
    """The rows of all languages; where each has its own table, ids are told apart by the language's name."""
    for language in tables.languages:
        for row in tables.rows(kind, language):
            if not language:
                yield row
                continue
            key = row.key("query-id", "query_id", "_id", "id")
            yield replace(row, fields={**row.fields, key: f"{language}:{row.id(key)}", "language": language})


def _same_corpora(tables: Tables) -> None:
    """Corpora by language must be one and the same: pages are embedded once for all."""
    first, *others = tables.languages
    ids = {language: _ids(tables, language) for language in others}
    for language, found in ids.items():
        if found != _ids(tables, first):
            raise VragError(
                f"{tables.place}: the pages of {language} are not those of {first}.", "Evaluate one language's folder."
            )


def _ids(tables: Tables, language: str) -> list[str]:
    table = tables.load("corpus", language)
    key = next(key for key in CORPUS_ID if key in table.column_names)
    return [str(value) for value in table[key]]


def _documents(tables: Tables) -> tuple[Path, PlacePage]:
    """The folder of PDFs beside the tables, and how a row names a page of them."""
    root = Path(tables.place) / PDFS
    if not root.is_dir():
        raise VragError(
            f"{tables.place}: the corpus has no {IMAGE!r} column, and there is no folder {root} with its documents.",
            "Pages are pictures in the table, or pages of PDFs beside it.",
        )
    names = _document_names(tables)

    def place(row: Row) -> PageRef:
        doc = row.id(*DOC)
        named = names.get(doc, doc)
        found = next((file for file in (named, f"{named}.pdf") if (root / file).is_file()), None)
        if found is None:
            raise row.error(f"there is no {named!r} in {root}")
        return PageRef(found, row.integer(*PAGE, least=1))

    return root, place


def _document_names(tables: Tables) -> dict[str, str]:
    """File names by document id, where a table of documents tells them."""
    if tables.metadata is None:
        return {}
    rows = tables.metadata()
    return {str(row["doc_id"]): str(row["file_name"]) for row in rows if row.get("file_name")}
