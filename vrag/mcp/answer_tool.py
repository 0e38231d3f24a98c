"""The tool that asks a language model: its answer, claim by claim, each with the quotes that hold it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from vrag.ask.answer import Answer, Claimed, Found
from vrag.ask.answer_json import claim_json
from vrag.llm.llm import Llm
from vrag.mcp.at_work import ToldSteps
from vrag.mcp.page_refs import NamedPage
from vrag.mcp.tool_answers import QuotedPage, WrittenAnswer
from vrag.runtime.units import counted

if TYPE_CHECKING:
    from vrag.remote.any_index import AnyIndex


def ask(index: AnyIndex, llm: Llm, question: str, k: int, where: Sequence[str], progress: ToldSteps) -> WrittenAnswer:
    """What a language model says of the best pages.

    Raises:
        UsageError: An empty question, an unknown filter key or document.
        LlmError: The model cannot be reached, refuses, or gives no answer that can be used.
    """
    claims = 0
    with closing(index.ask_stream(question, k, where, llm)) as steps:
        for step in steps:
            if isinstance(step, Answer):
                return _written(step)
            if isinstance(step, Found):
                progress.tell(0, None, f"{counted(len(step.pages), 'page')} found")
            elif isinstance(step, Claimed):
                claims += 1
                progress.tell(claims, None, f"{counted(claims, 'claim')} checked")
    raise AssertionError("an answer is the last step")


def _written(answer: Answer) -> WrittenAnswer:
    quotes = [QuotedPage(text=q.text, page=NamedPage(q.doc, q.page).id, status=q.status) for q in answer.quotes]
    return WrittenAnswer(
        found=answer.found,
        answer=answer.answer,
        claims=[claim_json(claim) for claim in answer.claims],
        quotes=quotes,
        model=answer.model,
    )
