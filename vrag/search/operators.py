"""What a plan is made of: operators, each of which takes candidates and lets some of them through.

They are data: `vrag.search.plan` makes them of a cascade, `vrag.search.running` does what they say.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from textwrap import indent

from vrag.cascade.cascade import Fusion, Read, Stage, Wording


@dataclass(frozen=True, slots=True)
class Operator:
    """One act of a search.

    Args:
        step: Place in the cascade, from 0, of the step that it is part of; where it does several, of the last.
    """

    step: int

    @property
    def brings_payload(self) -> bool | None:
        """Whether a ranking knows the pages it lets through, or their ids alone; None where that stays as it was."""
        return None

    @property
    def needs_payload(self) -> bool:
        """Whether it must know of which document and of what shape a page is."""
        return False

    @property
    def takes_a_chance(self) -> bool:
        """Whether others might pass if all candidates were scored."""
        return False

    def merged(self, following: Operator) -> Operator | None:
        """One operator that does this one's work and the following one's; None where there is none."""
        return None


@dataclass(frozen=True, slots=True)
class Scoring:
    """A stage, and how many candidates it lets through."""

    stage: Stage
    limit: int

    def __str__(self) -> str:
        return f"{self.stage.scoring}:{self.limit}"


@dataclass(frozen=True, slots=True)
class EngineFusion:
    """A fusion as an engine runs it.

    Args:
        kind: As `Fusion` has it.
        branches: Stages of each branch.
        limit: Candidates let through; None for all that any branch does.
    """

    kind: str
    branches: tuple[tuple[Scoring, ...], ...]
    limit: int | None

    def __str__(self) -> str:
        branches = ", ".join(" > ".join(map(str, branch)) for branch in self.branches)
        return f"{self.kind}({branches}){'' if self.limit is None else f':{self.limit}'}"


@dataclass(frozen=True, slots=True)
class EngineQuery(Operator):
    """One request to the engine: stages nested into each other, behind a fusion if there is one."""

    parts: tuple[Scoring | EngineFusion, ...]

    brings_payload = True  # the engine has it

    @property
    def takes_a_chance(self) -> bool:
        """A graph search may miss pages."""
        return any(isinstance(part, Scoring) and part.stage.hnsw for part in self.parts)

    def merged(self, following: Operator) -> Operator | None:
        """Engines nest stages."""
        return replace(following, parts=(*self.parts, *following.parts)) if isinstance(following, EngineQuery) else None

    def __str__(self) -> str:
        return f"engine: {' > '.join(map(str, self.parts))}"


@dataclass(frozen=True, slots=True)
class BitScan(Operator):
    """MaxSim estimated from packed bits, by compiled kernels."""

    parts: tuple[Scoring, ...]

    brings_payload = False  # ids alone: bits know no more

    takes_a_chance = True  # signs alone choose those that are worth more bits

    def merged(self, following: Operator) -> Operator | None:
        """Between two scans nobody has to know the pages' ids."""
        return replace(following, parts=(*self.parts, *following.parts)) if isinstance(following, BitScan) else None

    def __str__(self) -> str:
        return f"bits: {' > '.join(map(str, self.parts))}"


@dataclass(frozen=True, slots=True)
class WordScan(Operator):
    """Word scores from the terms that are kept beside the store."""

    part: Scoring

    brings_payload = False  # ids alone: terms know no more

    def __str__(self) -> str:
        return f"words: {self.part}"


@dataclass(frozen=True, slots=True)
class Rerank(Operator):
    """Exact scores of those candidates that can still be among the best by what bits have estimated.

    Args:
        part: What is scored exactly, and how many go on.
        best: How many of them are to be right.
        from_rows: Whether the rows kept beside the store are scored, not the engine's.
    """

    part: Scoring
    best: int
    from_rows: bool

    @property
    def brings_payload(self) -> bool | None:
        """The engine has it."""
        return not self.from_rows

    takes_a_chance = True  # those with the lowest estimates are left out

    def __str__(self) -> str:
        return f"rerank: {self.part}, {self.best} exact by {'kept rows' if self.from_rows else 'the engine'}"


@dataclass(frozen=True, slots=True)
class Rescore(Operator):
    """Candidates scored again by region or with context, which no engine can express.

    Args:
        stage: What counts.
        best: How many of them are to be right, where bits have to be fetched; None for all.
    """

    stage: Stage
    best: int | None

    needs_payload = True  # contexts are by document, regions by the shape of the page

    def __str__(self) -> str:
        return f"rescore: {replace(self.stage, additions=()).scoring}"


@dataclass(frozen=True, slots=True)
class Blend(Operator):
    """Other scores added to the candidates'."""

    stage: Stage

    def __str__(self) -> str:
        return f"blend: {''.join(map(str, self.stage.additions))}"


@dataclass(frozen=True, slots=True)
class Keep(Operator):
    """The best candidates."""

    limit: int

    def __str__(self) -> str:
        return f"keep: {self.limit}"


@dataclass(frozen=True, slots=True)
class ReadPayload(Operator):
    """What a ranking needs of pages of which ids are known; those that are gone meanwhile are left out."""

    brings_payload = True  # what it is for

    def __str__(self) -> str:
        return "read payload"


@dataclass(frozen=True, slots=True)
class WeighWords(Operator):
    """The first candidates lifted by the question's own words on them.

    Args:
        wording: How many, and what it weighs.
    """

    wording: Wording

    needs_payload = True  # the name of the page's document counts too

    def __str__(self) -> str:
        return f"wording: the first {self.wording.pages}"


@dataclass(frozen=True, slots=True)
class ReadPages(Operator):
    """The first candidates read by the cross-encoder, which lifts those that answer.

    Args:
        read: How many, and what it weighs.
    """

    read: Read

    needs_payload = True  # the passages follow from the page's document too

    def __str__(self) -> str:
        return f"read: the first {self.read.pages}"


@dataclass(frozen=True, slots=True)
class Fuse(Operator):
    """Branches run here, each by itself: the engine has neither packed bits nor our counts of words.

    Args:
        fusion: Of the cascade.
        branches: A plan for each.
        limit: Candidates let through; None for all that any branch does.
    """

    fusion: Fusion
    branches: tuple[Plan, ...]
    limit: int | None

    brings_payload = False  # scans have found ids alone

    def __str__(self) -> str:
        head = f"fuse {self.fusion.kind}{'' if self.limit is None else f':{self.limit}'}"
        branches = [f"  branch\n{indent(str(branch), '    ')}" for branch in self.branches]
        return "\n".join([head, *branches])


@dataclass(frozen=True, slots=True)
class Survey(Operator):
    """Scores of every candidate, for the record: the next operator takes the same candidates as this one."""

    plan: Plan

    def __str__(self) -> str:
        return f"survey\n{indent(str(self.plan), '    ')}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Operators in the order they run; as text, one a line."""

    operators: tuple[Operator, ...]

    def __str__(self) -> str:
        return "\n".join(map(str, self.operators))
