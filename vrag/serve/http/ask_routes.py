"""`/v1/ask`: an answer whose every quote is checked against its page, as it comes or as a whole."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any

from fastapi import APIRouter, Response

from vrag.ask.answer import Answer, Claimed, Found, Quote
from vrag.ask.answer_json import claim_json, quote_json, reply_json
from vrag.runtime.stopping import is_stopped
from vrag.search.hit import Hit
from vrag.search.hits_json import hits_json
from vrag.serve.http.answering import AnswerResponse, Row
from vrag.serve.http.counters import Outcome
from vrag.serve.http.here import Here, HereNow
from vrag.serve.http.problems import BODY, documented
from vrag.serve.http.request_shapes import AskRequest, clauses
from vrag.serve.http.response_shapes import AskOut
from vrag.serve.http.search_routes import addresses, present

router = APIRouter(tags=["search"])
_EVENTS = {"text/event-stream": {"schema": {"type": "string"}}}


@router.post(
    "/v1/ask",
    summary="Ask a question",
    response_model=AskOut,
    response_model_exclude_none=True,
    responses={200: {"content": _EVENTS}, **documented(502, *BODY)},
)
async def ask(asked: AskRequest, here: HereNow) -> Response:
    """What the pages say to a question: what `vrag ask --json` prints, with addresses.

    With `stream`, server-sent events: `found` with the pages, `claim` for each claim of a language model once it is
    checked, with the quotes that no claim before it had, `answer` with the whole, or `error` with problem details.
    """
    by_model = asked.model and here.service.llm is not None
    places = here.asking if by_model or asked.stream else None
    return AnswerResponse(lambda: _counted(here, asked, by_model), asked.stream, places)


def _counted(here: Here, asked: AskRequest, by_model: bool) -> Generator[Row, None, None]:
    """The events of an answer, and a number of it for the metrics."""
    started, outcome = time.perf_counter(), Outcome.STOPPED
    with here.metrics.open_questions.track_inprogress():
        try:
            with closing(_rows(here, asked, by_model)) as rows:
                for name, row in rows:
                    if name == "answer":
                        outcome = Outcome.FOUND if row["found"] else Outcome.NOTHING
                    yield name, row
        except Exception:
            outcome = Outcome.STOPPED if is_stopped() else Outcome.FAILED
            raise
        finally:
            here.metrics.asked(by_model, outcome, time.perf_counter() - started)


def _rows(here: Here, asked: AskRequest, by_model: bool) -> Generator[Row, None, None]:
    history = [(turn.question, turn.answer) for turn in asked.history]
    pages: Sequence[Hit] = ()
    sent = 0  # quotes; all of them with every claim would be a hundred times what the model has said
    steps = here.service.ask(asked.question, asked.k, clauses(asked.where), history, by_model)
    with closing(steps):
        for step in steps:
            if isinstance(step, Claimed):
                yield "claim", {"claim": claim_json(step.claim), "quotes": _quotes(step.quotes[sent:], pages)}
                sent = len(step.quotes)
            else:
                pages = step.pages
                yield _row(here, asked.question, step)


def _row(here: Here, question: str, step: Found | Answer) -> Row:
    rows = hits_json(step.pages)
    with here.service.searching():
        present(here, step.searched or question, step.pages, rows)
    if isinstance(step, Found):
        return "found", {"pages": rows, **({"searched": step.searched} if step.searched else {})}
    return "answer", {**reply_json(step), "quotes": _quotes(step.quotes, step.pages), "pages": rows}


def _quotes(quotes: Sequence[Quote], pages: Sequence[Hit]) -> list[dict[str, Any]]:
    """Quotes with the addresses of their pages; one of a page that was not shown has none."""
    places = {(hit.path, hit.page): addresses(hit) for hit in pages}
    return [{**quote_json(quote), **places.get((quote.path, quote.page), {})} for quote in quotes]
