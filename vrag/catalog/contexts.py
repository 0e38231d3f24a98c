"""What a document says of itself: its name, its title, its first words, as a few vectors a document.

A page of an annual report does not say whose it is; its document does. Query words may be answered by these
vectors on every page of the document, so across documents the right one wins. Within one document they say the
same of every page, and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath

import numpy as np

from vrag.catalog.documents import page_id
from vrag.catalog.page_record import with_sums
from vrag.catalog.payload import page_words
from vrag.catalog.stored import Stored
from vrag.embedders.protocol import Embedder
from vrag.grid import FloatArray
from vrag.pages.page import Page, Words
from vrag.pipeline.grammar import CONTEXT_PARTS
from vrag.pipeline.pipeline import CONTEXT
from vrag.pooling.poolings import normalise
from vrag.store.interface import Condition, Record, Selection

_OPENING_WORDS = 40
_MOST_WORDS = 80
_NO_OPENING = "\n(without its first page)"  # part of what a context follows from, so that it is made again
CONTEXTS = Selection((Condition("kind", (CONTEXT,)),))


def context_words(parts: Sequence[str], path: str, title: str, opening: Sequence[str]) -> list[str]:
    """The words of a document's context.

    Args:
        parts: Which of `CONTEXT_PARTS` take part; "head" belongs to pages and adds none here.
        path: The document's path: the words of the file's name without its suffix.
        title: From the document's metadata.
        opening: Words of its first page, in reading order.
    """
    words = {"name": name_words(path), "title": title.split(), "opening": list(opening[:_OPENING_WORDS])}
    return [word for part in CONTEXT_PARTS if part in parts for word in words.get(part, [])][:_MOST_WORDS]


def name_words(path: str) -> list[str]:
    """The words of a file's name, without its suffix."""
    return re.sub(r"[\W_]+", " ", PurePath(path).stem).split()


def context_record(doc_id: str, words: Sequence[str], of: str, embedder: Embedder) -> Record:
    """The record that holds a document's context, one row a word (or as the model embeds a query).

    Args:
        doc_id: The document.
        words: What is embedded.
        of: What the words follow from, besides the document's content; see `refresh_contexts`.
        embedder: Makes vectors of words.
    """
    payload = {"kind": CONTEXT, "doc_id": doc_id, "words": " ".join(words), "of": of}
    return with_sums(Record(context_id(doc_id), payload, {CONTEXT: _embedded(words, embedder)}))


def refresh_contexts(stored: Stored, embedder: Embedder) -> int:
    """Make the context of every document that has none, or whose name or title has changed.

    A document's first words do not change: with other content it would be another document. Its first page may come
    later than the others, though, when it failed at first.

    Args:
        stored: The index.
        embedder: Makes vectors of words.

    Returns:
        How many were made.
    """
    made = 0
    for doc_id, words, of in lacking_contexts(stored):
        record = context_record(doc_id, words, of, embedder)
        with stored.exchanging():  # a document that is removed just now must not leave its words behind
            if stored.documents.get(doc_id) is not None:
                stored.store.upsert([record])
                made += 1
    return made


def lacking_contexts(stored: Stored) -> Iterator[tuple[str, list[str], str]]:
    """Document, words and `of` of every context that is to be made; none where the pipeline has no contexts."""
    if not stored.pipeline.has_context:
        return
    parts = stored.pipeline.context
    contexts = stored.store.scroll(CONTEXTS, keys=("doc_id", "of"))
    known = {record.payload.get("doc_id"): record.payload.get("of") for record in contexts}
    for document in (d for d in stored.documents.all() if d.complete):
        path, title = document.paths[0], str(document.meta.get("title", ""))
        of = " ".join(context_words(parts, path, title, ()))
        if known.get(document.doc_id) == of:
            continue
        first = stored.page_id(document.doc_id, 1)
        found = stored.store.fetch([first])
        of += "" if found else _NO_OPENING
        if known.get(document.doc_id) == of:
            continue
        opening = page_words(found[first].payload).texts if found else ()
        words = context_words(parts, path, title, opening)
        if words:
            yield document.doc_id, words, of


def context_id(doc_id: str) -> str:
    """Point id of a document's context."""
    return page_id(doc_id, 0, CONTEXT)


def _embedded(words: Sequence[str], embedder: Embedder) -> FloatArray:
    if embedder.page_spec.image:  # it reads pictures, and text only as queries
        rows = embedder.embed_query(" ".join(words)).vectors
        return normalise(rows)
    boxes, lines = np.zeros((len(words), 4), np.float32), np.zeros(len(words), np.int32)
    return embedder.embed_pages([Page(1, 1, 1, Words(tuple(words), boxes, lines), "layer")])[0].full
