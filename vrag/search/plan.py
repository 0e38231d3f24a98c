"""From a cascade to the operators that run it: what the engine does in one request, what is done here, in which order.

A plan follows from the cascade, from what can be scored beside the store, and from how many hits are wanted. Plain
stages and fusions in a row become one request of nested prefetches. A stage that blends other scores in
(`full+0.2*text`) needs the scores of all its candidates, so it ends a request.

What a plan leaves behind depends on who asks (`Detail`): a search wants hits, tuning what each step lets through, an
explanation every candidate of every step.

A new kind of step is a class (`vrag.cascade.cascade.Step` says what it needs) with its rule in `RULES`; what it does is
an operator with its method in `vrag.search.running.METHODS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from vrag.cascade.bm25 import TEXT
from vrag.cascade.cascade import Cascade, Fusion, Limit, Read, Reorder, Stage, Step, Wording
from vrag.errors import UsageError
from vrag.search.operators import (
    BitScan,
    Blend,
    EngineFusion,
    EngineQuery,
    Fuse,
    Keep,
    Operator,
    Plan,
    ReadPages,
    ReadPayload,
    Rerank,
    Rescore,
    Scoring,
    Survey,
    WeighWords,
    WordScan,
)

# "hits": no more than the best pages; "steps": what every step lets through, each by itself; "candidates": all that
# every step could let through, scored
Detail = Literal["hits", "steps", "candidates"]
_FREE = 10_000  # pages that a stage may let through for the asking, whether there are as many or not


@dataclass(frozen=True, slots=True)
class Beside:
    """What is kept beside the store and can be scored there.

    Args:
        packed: Vectors that have packed bits; None where none are kept.
        is_compiled: Whether kernels are compiled: without them bits are no gain, the engine is faster, and exact.
        has_words: Whether word scores are counted there.
        rows: Vectors whose rows are kept as well.
        alone: Vectors of which the store has nothing but bits, so that they can be scored nowhere else.
    """

    packed: tuple[str, ...] | None = None
    is_compiled: bool = False
    has_words: bool = False
    rows: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()

    def check(self, cascade: Cascade) -> None:
        """Raise `UsageError` for a stage over bits that its vector does not have."""
        for stage in cascade.stages:
            if stage.bits and self.packed is not None and stage.vector not in self.packed:
                raise UsageError(f"{stage.vector!r} has no packed bits.", f"These have: {', '.join(self.packed)}.")

    def scores(self, stage: Stage) -> bool:
        """Whether the stage, but for what it may blend in, is scored there."""
        if stage.vector == TEXT:
            return self.has_words
        pays = self.is_compiled or stage.vector in self.alone
        return stage.bits and not stage.is_rescored and pays and self.packed is not None


@dataclass(frozen=True)
class Limits:
    """How many pages go on.

    Args:
        k: Hits wanted.
        count_pages: Counts the pages in the index; asked once, and only by what depends on it: on a server other
            processes write meanwhile.
        spare: Points read beyond `k`, so that ties at the end of the list can be told apart.
    """

    k: int
    count_pages: Callable[[], int]
    spare: int = 0
    _counted: list[int] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def corpus(self) -> int:
        """Pages in the index, at least 1."""
        if not self._counted:  # and no `cached_property`: up to Python 3.11 all queries wait for one lock of its
            self._counted.append(max(self.count_pages(), 1))
        return self._counted[0]

    def of(self, limit: Limit | None) -> int:
        """Candidates that a step lets through, never fewer than `k`."""
        wanted = limit or Limit(self.k)
        most = max(self.k, int(wanted.value))
        if wanted.is_share or most > _FREE:  # an engine makes room for as many as it is asked for
            most = wanted.within(self.k, self.corpus)
        return most


@dataclass(frozen=True, slots=True)
class StepPlace:
    """Where in a plan a step stands.

    Args:
        beside: What can be scored beside the store.
        limits: How many pages go on.
        detail: What the plan is to leave behind.
        is_branch: Whether the step is part of a branch, which only proposes candidates.
        step: Which of the steps it is, from 0.
        is_end: Whether it is the last one, or those that it lets through are only put in another order.
        before: The operators before it.
    """

    beside: Beside
    limits: Limits
    detail: Detail = "hits"
    is_branch: bool = False
    step: int = 0
    is_end: bool = True
    before: tuple[Operator, ...] = ()

    @property
    def spare(self) -> int:
        """Points that the step lets through beyond those asked for."""
        return self.limits.spare if self.is_end and not self.is_branch else 0

    def limit(self, step: Step) -> int:
        """Candidates that the step lets through."""
        return self.limits.of(step.limit) + self.spare

    def is_estimated(self, stage: Stage) -> bool:
        """Whether bits have just estimated what the stage scores, and left pages out by that.

        Who lets all pages through wants the exact answer, not the likely one.
        """
        before = self.before[-1] if self.before else None
        if not (self.is_end and isinstance(before, BitScan)):
            return False
        estimate = before.parts[-1]
        return estimate.stage.estimates(stage) and estimate.limit < self.limits.corpus


def compile_plan(cascade: Cascade, beside: Beside, limits: Limits, detail: Detail = "hits") -> Plan:
    """The operators that run a cascade.

    Raises:
        UsageError: A stage asks for packed bits of a vector that has none.
    """
    beside.check(cascade)
    return _compiled(StepPlace(beside, limits, detail), cascade.steps)


def _compiled(start: StepPlace, steps: Sequence[Step]) -> Plan:
    operators: list[Operator] = []
    for i, step in enumerate(steps):
        is_end = i == len(steps) - 1 or (isinstance(step, Stage) and isinstance(steps[i + 1], Reorder))
        here = replace(start, step=i, is_end=is_end, before=tuple(operators))
        operators += RULES[type(step)](here, step)
    if start.detail == "hits":
        return _with_payloads(_merged(operators), at_end=not start.is_branch)
    return _with_payloads(operators, everywhere=True)


def _merged(operators: Sequence[Operator]) -> list[Operator]:
    """The same with neighbours done at once where that can be."""
    merged: list[Operator] = []
    for operator in operators:
        both = merged[-1].merged(operator) if merged else None
        merged[-1:] = [both] if both else [*merged[-1:], operator]
    return merged


def _with_payloads(operators: Sequence[Operator], at_end: bool = False, everywhere: bool = False) -> Plan:
    """The plan, in which payloads are read where they are needed and not known."""
    done: list[Operator] = []
    is_known = True
    for operator in operators:
        if operator.needs_payload and not is_known:
            done.append(ReadPayload(done[-1].step))
            is_known = True
        done.append(operator)
        is_known = is_known if operator.brings_payload is None else operator.brings_payload
        if everywhere and not is_known:
            done.append(ReadPayload(operator.step))
            is_known = True
    return Plan((*done, ReadPayload(done[-1].step)) if at_end and not is_known else tuple(done))


def _stage_rule(here: StepPlace, stage: Stage) -> list[Operator]:
    limit = here.limit(stage)
    chosen = _scoring(here, stage, limit)
    if here.detail != "candidates":
        return chosen
    every = _scoring(here, replace(stage, hnsw=False), None)
    if any(operator.takes_a_chance for operator in chosen):
        return [_survey(here, every), *chosen]
    return [*every, Keep(here.step, limit)]


def _scoring(here: StepPlace, stage: Stage, limit: int | None) -> list[Operator]:
    """What scores the stage's candidates and lets the best pass; without a limit all of them."""
    operators: list[Operator] = []
    needs_all = stage.is_rescored or bool(stage.additions)  # what counts besides may lift any candidate
    if stage.is_rescored and stage.vector != TEXT:
        if not here.before:
            every = Stage(stage.vector, stage.mean, bits=stage.vector in here.beside.alone)
            operators.append(_source(here, every, here.limits.corpus))
        operators.append(Rescore(here.step, stage, limit))
    else:
        operators.append(_source(here, stage, here.limits.corpus if needs_all or limit is None else limit))
    if stage.additions:
        operators.append(Blend(here.step, stage))
    return [*operators, Keep(here.step, limit)] if needs_all and limit is not None else operators


def _source(here: StepPlace, stage: Stage, limit: int) -> Operator:
    """Where the scores of a stage come from, but for what is blended in."""
    alone = Stage(stage.vector, stage.mean, stage.hnsw)
    if here.beside.scores(stage):
        if stage.vector == TEXT:
            return WordScan(here.step, Scoring(alone, limit))
        return BitScan(here.step, (Scoring(replace(alone, bits=True), limit),))
    if here.is_estimated(stage):
        return Rerank(here.step, Scoring(alone, limit), limit - here.spare, stage.vector in here.beside.rows)
    return EngineQuery(here.step, (Scoring(alone, limit),))


def _fusion_rule(here: StepPlace, fusion: Fusion) -> list[Operator]:
    limit = here.limit(fusion) if fusion.limit or here.is_end else None
    if any(map(here.beside.scores, fusion.stages)):
        if here.detail != "candidates":
            return [_fuse(here, fusion, limit)]
        return [_fuse(here, fusion, None), *([Keep(here.step, limit)] if limit else [])]
    if here.detail != "candidates":
        return [_engine_fusion(here, fusion, limit)]
    branches, every = _fuse(here, fusion, None), _engine_fusion(here, fusion, here.limits.corpus)
    return [_survey(here, [branches]), _survey(here, [every]), _engine_fusion(here, fusion, limit)]


def _fuse(here: StepPlace, fusion: Fusion, limit: int | None) -> Fuse:
    start = replace(here, is_branch=True, before=())
    return Fuse(here.step, fusion, tuple(_compiled(start, branch) for branch in fusion.branches), limit)


def _engine_fusion(here: StepPlace, fusion: Fusion, limit: int | None) -> EngineQuery:
    branches = tuple(
        tuple(Scoring(Stage(stage.vector, stage.mean, stage.hnsw), here.limits.of(stage.limit)) for stage in branch)
        for branch in fusion.branches
    )
    return EngineQuery(here.step, (EngineFusion(fusion.kind, branches, limit),))


def _survey(here: StepPlace, operators: Sequence[Operator]) -> Survey:
    return Survey(here.step, _with_payloads(operators, everywhere=True))


def _read_rule(here: StepPlace, read: Read) -> list[Operator]:
    return [ReadPages(here.step, read), Keep(here.step, here.limit(read))]


def _wording_rule(here: StepPlace, wording: Wording) -> list[Operator]:
    return [WeighWords(here.step, wording), Keep(here.step, here.limit(wording))]


Rule = Callable[[StepPlace, Any], list[Operator]]
RULES: dict[type, Rule] = {Stage: _stage_rule, Fusion: _fusion_rule, Wording: _wording_rule, Read: _read_rule}
