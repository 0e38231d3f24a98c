"""`/v1/ask`: an answer in quotes, each checked against its page."""

from __future__ import annotations

from fastapi import APIRouter

from vrag.ask.answer_json import reply_json
from vrag.serve.http.here import HereNow
from vrag.serve.http.json_answer import JsonAnswer
from vrag.serve.http.problems import BODY, documented
from vrag.serve.http.request_shapes import AskRequest, clauses
from vrag.serve.http.response_shapes import AskOut
from vrag.serve.http.search_routes import addresses, present

router = APIRouter(tags=["search"])


@router.post(
    "/v1/ask",
    summary="Ask a question",
    response_model=AskOut,
    response_model_exclude_none=True,
    responses=documented(*BODY),
)
def ask(asked: AskRequest, here: HereNow) -> JsonAnswer:
    """What the pages say to a question, word for word: what `vrag ask --json` prints, with addresses."""
    with here.service.searching():
        found = here.service.index.ask(asked.question, asked.k, clauses(asked.where))
        answer = reply_json(found)
        present(here, asked.question, found.pages, answer["pages"])
    places = {(hit.path, hit.page): addresses(hit) for hit in found.pages}
    for quote in answer["quotes"]:
        quote.update(places[quote["path"], quote["page"]])
    return JsonAnswer(answer)
