"""Answers that a language model writes: every claim rests on quotes, each looked for on its page before it is shown."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vrag.ask.answer import Answer, Claimed, Found, Step
from vrag.ask.arriving import Arriving, Reply, repaired, reply_of
from vrag.ask.asking import NOTHING
from vrag.ask.claiming import Claims, said_of
from vrag.ask.following import History, standing
from vrag.ask.prompt import ANSWER, QUESTION, answering, new_fence, once_more, standing_alone
from vrag.ask.showing import MOST_PICTURES, As, Pages, Room, Source, show
from vrag.errors import LlmError
from vrag.llm.endpoint import Endpoint
from vrag.llm.llm import Llm
from vrag.llm.message import Message, least_tokens
from vrag.llm.refusals import CutError, StatusError, TooLongError, TooManyPicturesError
from vrag.llm.sight import remember, says_blind, sees_images
from vrag.runtime.pathtext import shown

if TYPE_CHECKING:
    from vrag.search.hit import Hit

TOKENS = 24_000  # tokens for pages, where an endpoint does not say how many its model reads: five pages shown as both
_REST = 3_000  # of its room that a model has for what it is told besides, and for the answer
_LEAST = 1_000
_LEAST_SHOWN = 100  # tokens: with less than a passage there is no use in asking
_TIMES = 4  # that a model is shown half of what was too much for it
_LONGEST = 1_000  # characters of a question that the model makes
_CUT = "The model stopped in the middle of its answer: there may be more to say."
_GARBLED = "What the model wrote after its last whole claim cannot be read."
_UNREAD = "The model has read {:,} tokens, where it was shown {:,} at least: its endpoint must give it more room."
_TOO_MUCH = "The model has less room than was thought, so it was shown less."


def write(
    pages: Pages,
    llm: Llm,
    question: str,
    k: int,
    where: str | Sequence[str],
    history: History,
    before_asked: Callable[[], None] = lambda: None,
) -> Generator[Step, None, None]:
    """The steps of an answer; closing the iterator closes the connection to the model.

    Args:
        pages: Of an index.
        llm: Writes it.
        question: As asked.
        k: Pages to look at.
        where: Filters that these must meet.
        history: Questions before it, with their answers.
        before_asked: Called before the model is given time to write: no page is looked at until it has answered.

    Raises:
        UsageError: As of a search.
        LlmError: The model cannot be reached, refuses, or gives no answer that can be used.
    """
    with Endpoint(llm) as endpoint:
        searched = _standing(endpoint, question, history)
        _ = endpoint.listed  # an endpoint may take its time for it: better before than while pages are looked at
        hits = tuple(pages.search(searched, k, None, where))
        meant = searched if searched != question else ""
        yield Found(hits, meant)
        if not hits:
            yield Answer(question, False, NOTHING, searched=meant)
            return
        with closing(_written(endpoint, pages, hits, searched, before_asked)) as steps:
            for step in steps:
                yield replace(step, question=question, searched=meant) if isinstance(step, Answer) else step


def _standing(endpoint: Endpoint, question: str, history: History) -> str:
    """The question as the model makes it stand by itself; by a rule where it fails to."""
    if not history or not question.strip():
        return question
    try:
        said = "".join(endpoint.say(standing_alone(question, history, new_fence()), QUESTION))
    except LlmError:  # the pages can be shown all the same, and what is wrong will be said then
        return standing(question, history)
    found = _question_in(said)
    return found if 0 < len(found) <= _LONGEST else standing(question, history)


def _question_in(said: str) -> str:
    found = repaired(said)
    question = found.get("question") if isinstance(found, dict) else None
    return shown(" ".join(question.split())) if isinstance(question, str) else ""


def _written(
    endpoint: Endpoint, pages: Pages, hits: tuple[Hit, ...], question: str, before_asked: Callable[[], None]
) -> Generator[Step, None, None]:
    """The claims of an answer, and the answer."""
    shown_as = _shown_as(endpoint, before_asked)
    try:
        yield from _fitted(endpoint, pages, hits, question, shown_as, before_asked)
    except StatusError as error:
        if not _is_found_blind(endpoint, shown_as, error):
            raise
        yield from _fitted(endpoint, pages, hits, question, "text", before_asked)


def _fitted(
    endpoint: Endpoint,
    pages: Pages,
    hits: tuple[Hit, ...],
    question: str,
    shown_as: As,
    before_asked: Callable[[], None],
) -> Generator[Step, None, None]:
    """The same, the model shown as much as it takes."""
    notes = list[str]()
    tokens = max(_LEAST, endpoint.room - _REST) if endpoint.room else TOKENS
    for is_last in (*(_TIMES - 1) * (False,), True):
        pictures = MOST_PICTURES if endpoint.pictures is None else endpoint.pictures
        fence = new_fence()
        sources, left_out = show(pages, hits, shown_as, Room(tokens, pictures), fence)
        answer = _Written(endpoint, question, hits, sources, [*notes, *left_out])
        before_asked()
        try:
            yield from answer.claimed(fence)
        except TooManyPicturesError as error:
            if is_last or error.most >= pictures:
                raise
        except TooLongError:
            tokens, notes = sum(source.tokens for source in sources) // 2, [_TOO_MUCH]
            if is_last or tokens < _LEAST_SHOWN:
                raise
        else:
            yield answer.whole()
            return


def _shown_as(endpoint: Endpoint, before_asked: Callable[[], None]) -> As:
    sees = endpoint.llm.sees
    if sees == "auto":
        return "both" if sees_images(endpoint, before_asked) else "text"
    return sees


def _is_found_blind(endpoint: Endpoint, shown_as: As, error: StatusError) -> bool:
    """Whether a model that was taken to read pictures takes none: it is another one than it was."""
    if endpoint.llm.sees != "auto" or shown_as == "text" or not says_blind(error):
        return False
    remember(endpoint, False)
    return True


class _Written:
    """An answer on its way.

    Args:
        endpoint: Of the model.
        question: That stands by itself.
        hits: The pages that were found.
        sources: What the model is shown of them.
        left_out: What it is not shown.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        question: str,
        hits: tuple[Hit, ...],
        sources: Sequence[Source],
        left_out: list[str],
    ) -> None:
        self._endpoint = endpoint
        self._question = question
        self._hits = hits
        self._sources = sources
        self._left_out = left_out
        self._claims = Claims(sources, question)

    def claimed(self, fence: str) -> Iterator[Claimed]:
        """Each claim as soon as it is checked.

        Args:
            fence: Around the words of pages.

        Raises:
            TooLongError: The model has no room for what it is shown; nothing was claimed.
            TooManyPicturesError: It takes fewer pictures; nothing was claimed.
            LlmError: There is no answer.
        """
        if not self._sources:
            return
        messages, arriving = answering(self._question, self._sources, fence), Arriving()
        try:
            with closing(self._endpoint.say(messages, ANSWER)) as pieces:
                for said in (said for piece in pieces for said in arriving.feed(piece)):
                    yield from self._checked(said, arriving.denies)
        except CutError:
            if not arriving.claims:
                raise
            self._left_out.append(_CUT)
            return
        self._note_unread(messages)
        reply = reply_of(arriving.text) or self._what_came(arriving) or self._asked_again(messages, arriving.text)
        for said in reply.claims[len(arriving.claims) :]:
            yield from self._checked(said, not reply.found)
        if not reply.found:
            self._claims.deny()

    def _what_came(self, arriving: Arriving) -> Reply | None:
        """The claims that came whole, where the rest cannot be read."""
        if not arriving.claims:
            return None
        self._left_out.append(_GARBLED)
        return Reply(not arriving.denies, tuple(arriving.claims))

    def _note_unread(self, messages: Sequence[Message]) -> None:
        """Some endpoints leave out what their model has no room for, and say nothing."""
        read, least = self._endpoint.read_tokens, least_tokens(messages)
        if read is not None and read < least:
            self._left_out.append(_UNREAD.format(read, least))

    def whole(self) -> Answer:
        """The answer, when all claims are there."""
        said = list(said_of(self._claims.claims))
        return Answer(
            self._question,
            bool(said),
            "\n".join(said) or NOTHING,
            tuple(self._claims.quotes),
            self._hits,
            self._endpoint.model,
            tuple(self._claims.claims),
            left_out=tuple(self._left_out),
        )

    def _checked(self, said: Mapping[str, Any], is_denied: bool) -> Iterator[Claimed]:
        claim = self._claims.add(said, is_denied)
        if claim is not None:
            yield Claimed(claim, tuple(self._claims.quotes))

    def _asked_again(self, messages: Sequence[Message], text: str) -> Reply:
        try:
            said = "".join(self._endpoint.say(once_more(messages, text), ANSWER))
        except TooLongError:
            said = ""
        reply = reply_of(said)
        if reply is None:
            what = "no answer that can be read" if (text + said).strip() else "an empty answer"
            message = f"The language model {shown(self._endpoint.model)} gave {what}, also when it was asked again."
            raise LlmError(message, "Try again, or another model.")
        return reply
