"""What an explanation says: why a page stands where it stands; `vrag.explain.explaining` makes one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vrag.search.typed_words import TypedWord, typed_words

if TYPE_CHECKING:
    from vrag.grid import Box, FloatArray, Grid


@dataclass(frozen=True, slots=True)
class ScorePart:
    """A summand of a blended score: the stage's own scoring, or an addition such as `0.4*text`."""

    name: str
    score: float


@dataclass(frozen=True, slots=True)
class StageTrace:
    """How a page fared in one stage.

    Args:
        stage: The stage's name, as in `Hit.stages`.
        rank: From 1 among the stage's candidates; where the page would stand when it was no candidate.
        score: Score of this stage; 0 by words when it has none of the query's.
        candidates: Pages the stage scored.
        limit: Pages it lets through.
        passed: Whether the page is one of them; False too when an earlier stage dropped it.
        branch: Such as "union 2" for a stage of the second branch of a union; empty outside of fusions.
        parts: What the score is the sum of, where others are blended in.
    """

    stage: str
    rank: int
    score: float
    candidates: int
    limit: int
    passed: bool
    branch: str = ""
    parts: tuple[ScorePart, ...] = ()

    @property
    def standing(self) -> str:
        """The rank, in words."""
        if self.rank > self.candidates:  # it was none of them
            return f"behind all {self.candidates}" if self.candidates else "none found"
        return f"{self.rank} of {self.candidates}"

    @property
    def outcome(self) -> str:
        """What became of the page, in words."""
        if not self.candidates:
            return "out (no page was found)"
        return f"passed (best {self.limit})" if self.passed else f"out (best {self.limit} pass)"


@dataclass(frozen=True, slots=True)
class RowAnswer:
    """What counted for one row of the query.

    Args:
        source: "region", "head" (the first rows of the page), "context" (of the document), or "page" (elsewhere on it).
        row: Row of the page's vector, from 0; of the context's where that answered.
        text: The word of the page that answered; empty for a context.
        contribution: What it adds to the stage's score; a context's is weighted.
    """

    source: str
    row: int
    text: str
    contribution: float


@dataclass(frozen=True, slots=True)
class RegionAnswers:
    """What a stage with regions or context counted on one page.

    Args:
        stage: Its text.
        rows: First row and end of the region that a hit reports; None when the stage looks for none.
        region: Where that lies: x0, y0, x1, y1 as shares of the page.
        answers: One for each of the query's m rows.
    """

    stage: str
    rows: tuple[int, int] | None
    region: Box | None
    answers: tuple[RowAnswer, ...]

    @property
    def score(self) -> float:
        """The stage's score of the page, before anything is blended in."""
        return sum(answer.contribution for answer in self.answers)


@dataclass(frozen=True, slots=True)
class Match:
    """The row of a page that answers one row of the query best.

    Args:
        token: The query's word or token.
        similarity: Cosine of the two rows, -1 to 1.
        contribution: What the pair adds to the exact score: the similarity times the query row's length.
        row: Row of the page's `full` multivector, from 0.
        text: The word of that row, or the words that stand in the patch; empty when there are none.
        place: "tile 2, row 3, column 5" for a patch; empty for a word.
        box: Where the row lies: x0, y0, x1, y1 as shares of the page.
    """

    token: str
    similarity: float
    contribution: float
    row: int
    text: str
    place: str
    box: Box


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a page stands where it stands.

    Args:
        query: What was looked for, without quotation marks and excluded words.
        doc: Name of the document.
        path: Absolute path of its file.
        page: From 1.
        cascade: Text of the cascade.
        stages: The page in every stage, in the order they run.
        matches: One for each of the query's m rows.
        similarities: float32 [m, n], cosines of the query's rows with the page's rows.
        weights: float32 [m], lengths of the query's rows.
        grid: Where the page's n rows lie.
        counted: What the last stage with regions or context counted; None when the cascade has none.
    """

    query: str
    doc: str
    path: str
    page: int
    cascade: str
    stages: tuple[StageTrace, ...]
    matches: tuple[Match, ...]
    similarities: FloatArray
    weights: FloatArray
    grid: Grid
    counted: RegionAnswers | None = None

    @property
    def score(self) -> float:
        """Exact MaxSim of the page: the sum of the matches' contributions."""
        return float(sum(match.contribution for match in self.matches))

    @property
    def standing(self) -> str:
        """Score and rank of the cascade's last stage, in words."""
        last = self.stages[-1]
        return f"score {last.score:.3f} in the last stage ({last.standing})"

    @property
    def sums(self) -> str:
        """Which sum the matches make, and why it is another number than the last stage's score."""
        text = f"Matches add up to {self.score:.3f}, the MaxSim of the whole page."
        if self.counted:
            counts = f"{self.counted.stage} takes region, head and context instead: {self.counted.score:.3f}"
            text = f"{text} {counts}{', before other scores are added' if self.stages[-1].parts else ''}."
        return text


@dataclass(frozen=True, slots=True)
class WordMatch:
    """What answered one of the words that were typed: the sum of its rows.

    Args:
        token: The word.
        rows: Its rows in the query.
        best: The match of the row that adds most.
        contribution: What its rows add to the exact score.
        counted: What they add where regions and context count, with the source and word of the one that adds most; None
            where they do not.
    """

    token: str
    rows: tuple[int, ...]
    best: Match
    contribution: float
    counted: RowAnswer | None


def word_matches(explanation: Explanation) -> list[WordMatch]:
    """The matches by word instead of by row."""
    words = typed_words(explanation.query, [match.token for match in explanation.matches])
    return [_word_match(explanation, word) for word in words]


def _word_match(explanation: Explanation, word: TypedWord) -> WordMatch:
    matches = [explanation.matches[row] for row in word.rows]
    best, total = max(matches, key=lambda match: match.contribution), sum(match.contribution for match in matches)
    if explanation.counted is None:
        return WordMatch(word.text, word.rows, best, total, None)
    answers = [explanation.counted.answers[row] for row in word.rows]
    most = max(answers, key=lambda answer: answer.contribution)
    counted = replace(most, contribution=sum(answer.contribution for answer in answers))
    return WordMatch(word.text, word.rows, best, total, counted)
