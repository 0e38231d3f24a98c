"""Cascades as one line of text, the same on the command line, in pipelines and in reports.

    full                                    exact MaxSim over every page
    runs:256 > full                         the 256 best by pooled vectors, ranked by exact MaxSim
    global@hnsw:1000 > runs:10% > full      a graph search, then a tenth of the corpus, then exact
    mean(runs):256 > full                   the mean of the query's vectors instead of each of them
    union(runs:200, text:100) > full        candidates of both branches
    rrf(runs:200, text:200):100 > full      the best 100 of both by reciprocal rank fusion
    runs:256 > full@regions+context         the best region of a page, helped by the document's name
    runs:256 > full+0.2*text                with a fifth of the word score blended in
    runs@bits:256 > full                    packed bits instead of stored vectors
    runs:256 > full:20 > wording(20)        the first 20 pages by the question's own words on them
    runs:256 > full:15 > read(15)           the first 15 pages read by the cross-encoder

A limit is a count or a share of the corpus. The last stage takes the hits asked for and needs no limit.
Whoever wrote it (an option, a pipeline, the facts of an index on a server), a line has at most `MOST_CHARACTERS` and
`MOST_STAGES`: every stage costs a search, and the engine nests them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from vrag.cascade.cascade import Addition, Cascade, Fusion, Limit, Read, Reorder, Stage, Step, Wording
from vrag.errors import UsageError
from vrag.runtime.parsing import MalformedError, real_number
from vrag.runtime.pathtext import quoted

MOST_CHARACTERS = 2_000  # of a line
MOST_STAGES = 32  # of a line, those of branches and blended scores included
MOST_PAGES = 1_000_000_000  # that a stage can let through
MOST_WEIGHT = 1_000  # of a blended score
MOST_READ = 200  # pages that are looked at once more: for the cross-encoder each costs some 30 ms of a CPU
_FUSION = re.compile(r"(?P<kind>[a-z]+)\((?P<branches>.*)\)(?::(?P<limit>[\d.]+%?))?", re.S)
_STAGE = re.compile(
    r"(?:(?P<form>[a-z]+)\((?P<inner>[a-z][\w-]*)\)|(?P<vector>[a-z][\w-]*))"
    r"(?P<modes>(?:@[a-z]+)*)"
    r"(?P<extras>(?:\+(?:[a-z]+|[\d.]+\*[a-z][\w-]*))*)"
    r"(?::(?P<limit>[\d.]+%?))?"
)
_REORDER = re.compile(r"[a-z]+\(\s*(?P<pages>\d+)\s*(?:,\s*weight\s*=\s*(?P<weight>[\d.]+)\s*)?\)")
_FUSIONS = ("union", "rrf")
_REORDERS: Mapping[str, type[Reorder]] = {kind.name: kind for kind in (Wording, Read)}
_MODES = ("hnsw", "exact", "bits", "regions")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the line and where it starts, so that an error can point at it."""

    line: str
    start: int
    stop: int

    @property
    def text(self) -> str:
        """The piece without white space around it."""
        return self.line[self.start : self.stop].strip()

    def error(self, problem: str, hint: str) -> UsageError:
        """A `UsageError` that names the line and the character."""
        return UsageError(f"Cascade {quoted(self.line)}, character {self.first + 1}: {problem}.", hint)

    @property
    def first(self) -> int:
        """Where its text begins."""
        raw = self.line[self.start : self.stop]
        return self.start + len(raw) - len(raw.lstrip())


@dataclass(frozen=True, slots=True)
class Names:
    """What a line may name: cascades (aliases) and the vectors of an index."""

    aliases: Mapping[str, str]
    vectors: Sequence[str]

    @property
    def hint(self) -> str:
        """What there is."""
        return f"Cascades: {', '.join(self.aliases)}. Vectors: {', '.join(self.vectors)}."


def parse_cascade(text: str, aliases: Mapping[str, str], vectors: Sequence[str]) -> Cascade:
    """A cascade from its name or its line of text.

    Args:
        text: A key of `aliases`, or steps joined by `>`.
        aliases: Named cascades of the index's pipeline.
        vectors: Named vectors of the index's pipeline.

    Raises:
        UsageError: What is wrong and at which character.
    """
    line = aliases.get(text, text)
    if len(line) > MOST_CHARACTERS:
        raise UsageError(f"Cascade {quoted(line)} is longer than {MOST_CHARACTERS} characters.", "Use fewer stages.")
    names = Names(aliases, vectors)
    parts = list(_split(Part(line, 0, len(line)), ">"))
    steps = [_step(part, names) for part in parts]
    for part, step, following in zip(parts, steps, [*steps[1:], None], strict=True):
        _check_place(part, step, following, is_first=part is parts[0])
    cascade = Cascade(text, tuple(steps))
    count = sum(1 + len(stage.additions) for stage in cascade.stages)
    if count > MOST_STAGES:
        raise UsageError(f"Cascade {quoted(line)} has {count} stages and added scores.", f"At most {MOST_STAGES} work.")
    return cascade


def _split(part: Part, separator: str) -> Iterator[Part]:
    """Pieces of a part between separators that stand outside brackets."""
    depth, start = 0, part.start
    for i in range(part.start, part.stop):
        depth += (part.line[i] == "(") - (part.line[i] == ")")
        if part.line[i] == separator and depth == 0:
            yield Part(part.line, start, i)
            start = i + 1
    yield Part(part.line, start, part.stop)


def _step(part: Part, names: Names) -> Step:
    if (kind := _REORDERS.get(part.text.partition("(")[0].strip())) and "(" in part.text:
        return _reorder(part, kind)
    match = _FUSION.fullmatch(part.line, part.first, part.first + len(part.text))
    is_fusion = match is not None and "," in match["branches"]
    return _fusion(part, match, names) if match is not None and is_fusion else _stage(part, names)


def _reorder(part: Part, kind: type[Reorder]) -> Reorder:
    match = _REORDER.fullmatch(part.text)
    if match is None:
        hint = f"Write {kind.name}(15) or {kind.name}(15, weight=0.5)."
        raise part.error(f"{quoted(part.text)} cannot be understood", hint)
    step = kind(int(match["pages"]), _number(match["weight"]) if match["weight"] else kind.usual)
    if not (1 <= step.pages <= MOST_READ and step.weight <= MOST_WEIGHT):
        hint = f"{kind.name}(...) takes from 1 to {MOST_READ} pages, and a weight of at most {MOST_WEIGHT}."
        raise part.error(f"{quoted(part.text)} is out of range", hint)
    return step


def _fusion(part: Part, match: re.Match[str], names: Names) -> Fusion:
    kind, limit = match["kind"], _limit(part, match["limit"])
    if kind not in _FUSIONS:
        raise part.error(
            f"unknown fusion {quoted(kind)}", f"Use {' or '.join(_FUSIONS)}, e.g. union(runs:200, text:100)."
        )
    if kind == "union" and limit:
        raise part.error("a union takes no limit", "Its branches have theirs; rrf(...) can be cut.")
    branches = list(_split(Part(part.line, *match.span("branches")), ","))
    return Fusion(kind, tuple(_branch(branch, names) for branch in branches), limit)


def _branch(part: Part, names: Names) -> tuple[Stage, ...]:
    parts = list(_split(part, ">"))
    stages = [_stage(piece, names) for piece in parts]
    for piece, stage in zip(parts, stages, strict=True):
        _check_place(piece, stage, stage, is_first=piece is parts[0])
        if stage.is_rescored or stage.additions:
            raise piece.error(
                "a branch only proposes candidates", "Put @regions, +context and the like after the fusion."
            )
    return tuple(stages)


def _stage(part: Part, names: Names) -> Stage:
    match = _STAGE.fullmatch(part.text)
    if match is None:
        raise part.error(f"{quoted(part.text)} is not a stage", f"Write VECTOR:LIMIT or a name. {names.hint}")
    vector = match["inner"] or match["vector"]
    if vector not in names.vectors:
        raise part.error(f"unknown cascade or vector {quoted(vector)}", names.hint)
    if match["form"] not in (None, "mean"):
        raise part.error(f"unknown query form {quoted(match['form'])}", "The only form is mean(VECTOR).")
    stage = Stage(vector, mean=match["form"] == "mean", limit=_limit(part, match["limit"]))
    return _with_extras(part, _with_modes(part, stage, match["modes"]), match["extras"], names)


def _with_modes(part: Part, stage: Stage, text: str) -> Stage:
    modes = text.split("@")[1:]
    for mode in modes:
        if mode not in _MODES:
            raise part.error(f"unknown mode {quoted(mode)}", f"Modes: {', '.join(f'@{m}' for m in _MODES)}.")
    if len(set(modes) & {"hnsw", "exact", "bits"}) > 1:
        raise part.error(f"{quoted(text)} cannot go together", "Choose one of @hnsw, @exact, @bits.")
    return replace(stage, hnsw="hnsw" in modes, bits="bits" in modes, regions="regions" in modes)


def _with_extras(part: Part, stage: Stage, text: str, names: Names) -> Stage:
    for extra in text.split("+")[1:]:
        weight, star, vector = extra.partition("*")
        if not star and extra == "context":
            stage = replace(stage, context=True)
        elif star and vector in names.vectors and _number(weight) <= MOST_WEIGHT:
            stage = replace(stage, additions=(*stage.additions, Addition(_number(weight), vector)))
        else:
            hint = f"Write +context or +WEIGHT*VECTOR, the weight at most {MOST_WEIGHT}. {names.hint}"
            raise part.error(f"cannot add {quoted(extra)}", hint)
    return stage


def _limit(part: Part, text: str | None) -> Limit | None:
    if text is None:
        return None
    limit = Limit(_number(text.rstrip("%")), text.endswith("%"))
    is_whole = limit.is_share or "." not in text
    if not (0 < limit.value <= (100 if limit.is_share else MOST_PAGES) and is_whole):
        hint = f"Use a whole number from 1 to {MOST_PAGES:,}, or a share like 10%."
        raise part.error(f"limit {quoted(text)} is out of range", hint)
    return limit


def _number(text: str) -> float:
    """A number, infinite where the text is none that can be used."""
    try:
        return real_number(text)
    except MalformedError:
        return math.inf


def _check_place(part: Part, step: Step, following: Step | None, is_first: bool) -> None:
    if isinstance(step, Fusion):
        if not is_first:
            raise part.error("a fusion can only come first", "Put it before the stages that rank its candidates.")
        return
    if isinstance(step, Reorder):
        is_end = following is None or (isinstance(step, Wording) and isinstance(following, Read))
        if is_first or not is_end:
            hint = "e.g. runs:256 > full:20 > wording(20) > read(15)"
            raise part.error(f"{step.name}(...) comes last, after a stage", hint)
        return
    if step.limit is None and following is not None:
        raise part.error(f"stage {step.scoring!r} needs a limit", f"e.g. {step}:256")
    if step.hnsw and not is_first:
        raise part.error(
            "only the first stage can search the HNSW graph", "Later stages score their candidates exactly."
        )
