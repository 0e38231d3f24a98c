"""`/v1/explain`: why a page stands where it stands, for machines and in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import APIRouter

from vrag.catalog.documents import Document
from vrag.errors import UsageError
from vrag.explain.explanation import Explanation, WordMatch, word_matches
from vrag.explain.explanation_json import explanation_json
from vrag.grid import Box
from vrag.search.typed_words import TypedWord
from vrag.serve.http.here import Here, HereNow, find_document
from vrag.serve.http.json_answer import JsonAnswer
from vrag.serve.http.problems import BODY, ProblemError, documented
from vrag.serve.http.request_shapes import ExplainRequest, clauses
from vrag.serve.http.response_shapes import ExplainOut

router = APIRouter(tags=["search"])
_NAMED = 3  # words that are named as those that count most
_ANSWERED = 0.55  # similarity from which a word of the page may be called an answer
_THIRDS = (("left", "middle", "right"), ("top", "middle", "bottom"))


@router.post("/v1/explain", summary="Explain a hit", response_model=ExplainOut, responses=documented(404, *BODY))
def explain(asked: ExplainRequest, here: HereNow) -> JsonAnswer:
    """Rank and score of a page in every stage of the search, what matched where, and a summary in words."""
    index = here.service.index
    documents = documents_named(here, asked.doc_id, asked.doc)
    if asked.page is not None and documents:
        check_page(here, documents, asked.page)
    doc = documents[0].paths[0] if asked.doc_id is not None else asked.doc
    with here.service.searching():
        found = index.explain(asked.query, doc, asked.page, asked.cascade, clauses(asked.where), asked.k, asked.words)
    ids = [document.doc_id for document in index.documents.at_path(found.path)]
    doc_id = asked.doc_id or next(iter(ids), "")
    return JsonAnswer({**explanation_json(found), "doc_id": doc_id, "summary": summary(found)})


def documents_named(here: Here, doc_id: str | None, doc: str | None) -> list[Document]:
    """The documents that may be meant by an id or a name; none where neither is given.

    Raises:
        ProblemError: 404, there is no such document; 400, both are given.
    """
    if doc is not None and doc_id is not None:
        raise ProblemError(400, "`doc` and `doc_id` both name the document.", "Send one of them.")
    if doc_id is not None:
        return [find_document(here, doc_id)]
    try:
        return here.service.index.documents.find(doc) if doc else []
    except UsageError as error:
        raise ProblemError(404, error.message, error.hint) from error


def check_page(here: Here, documents: Sequence[Document], page: int) -> None:
    """Make sure that one of the documents has a page.

    Raises:
        ProblemError: 404, none has.
    """
    stored = here.service.index.stored
    if not any(stored.page(document.doc_id, page) for document in documents):
        raise ProblemError(404, f"There is no page {page} of that document in the index.", "They count from 1.")


def summary(found: Explanation) -> dict[str, Any]:
    """An explanation for people: where the page stands, and sentences that say why."""
    words = word_matches(found)
    region = found.counted.region if found.counted else None
    return {
        "standing": _standing(found),
        "sentences": [*_sentences(found, words, region)],
        "words": _words(words),
        "region": list(region) if region else None,
    }


def _standing(found: Explanation) -> str:
    last = found.stages[-1]
    if all(stage.passed for stage in found.stages if not stage.branch):
        return f"This page came in as number {last.rank} of the {last.candidates} that were compared last."
    out = next(stage for stage in found.stages if not stage.passed and not stage.branch)
    rounds = [stage for stage in found.stages if not stage.branch]
    return (
        f"This page was left out in round {rounds.index(out) + 1} of {len(rounds)}: "
        f"there it stood {out.standing}, and the best {out.limit} went on."
    )


def _sentences(found: Explanation, words: list[WordMatch], region: Box | None) -> Iterator[str]:
    typed = [word for word in words if word.contribution > 0 and TypedWord(word.token, word.rows).is_typed]
    typed.sort(key=lambda word: -word.contribution)
    if typed:
        yield f"Of the query, {_listed([word.token for word in typed[:_NAMED]])} counted most."
    exact = [word for word in typed if word.best.text.casefold().strip(".,;:") == word.token.casefold()]
    if exact:
        yield f"{_listed([word.token for word in exact])} {'stands' if len(exact) == 1 else 'stand'} on the page."
    near = [word for word in typed if word not in exact and word.best.text and word.best.similarity >= _ANSWERED]
    if near:
        pairs = [f"“{word.token}” is answered by “{word.best.text}”" for word in near[:_NAMED]]
        yield f"{'; '.join(pairs)}."
    context = [word.token for word in typed if word.counted and word.counted.source == "context"]
    if context:
        yield f"The document's name or first words answer {_listed(context)}."
    if region:
        yield f"The passage that won is at the {_place(region)} of the page."


def _words(words: list[WordMatch]) -> list[dict[str, Any]]:
    total = sum(max(word.contribution, 0.0) for word in words) or 1.0
    return [
        {
            "word": word.token,
            "tokens": list(word.rows),
            "share": round(max(word.contribution, 0.0) / total, 4),
            "found": word.best.text,
            "similarity": round(word.best.similarity, 4),
            "box": list(word.best.box),
            "source": word.counted.source if word.counted else None,
        }
        for word in words
    ]


def _listed(words: list[str]) -> str:
    shown = [f"“{word}”" for word in words]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _place(region: Box) -> str:
    """Where a box lies, in words."""
    x, y = (region[0] + region[2]) / 2, (region[1] + region[3]) / 2
    across, down = (names[min(int(at * 3), 2)] for names, at in zip(_THIRDS, (x, y), strict=True))
    if region[2] - region[0] > 0.5:
        across = ""
    return down if across in ("", "middle") else f"{down} {across}"
