"""How right a short answer is, by the rules of MMLongBench-Doc for its format (Ma et al. 2024, arXiv 2407.01523).

Their program (`eval/eval_score.py`) scores a whole number by equality; a float when it is within 1 %, be it given as
a share or in per cent; text by ANLS (Biten et al. 2019, arXiv 1907.00490), codes, dates and addresses by equality;
and a list element by element once both are sorted, its worst element counting. Case, brackets, quotation marks, `$`
before and `%` behind say nothing. Nothing but separators of thousands is let pass beyond that.

Theirs asks a language model first to extract the short answer from a long one. No model judges here: of an answer in
sentences that stretch counts which scores best (`best_stretch`). So it says whether the answer is in there, and is an
upper bound of what would be extracted. Who writes a short answer may round it, a sentence of a page is as it is: in
there numbers have to be equal.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, get_args

from rapidfuzz.distance import Levenshtein

from vrag.evaluation.numbers.containing import contains
from vrag.runtime.parsing import MalformedError, parse_json

AnswerFormat = Literal["Str", "Int", "Float", "List", "None"]
FORMATS: tuple[AnswerFormat, ...] = get_args(AnswerFormat)
LITERAL = ("Str", "Int", "Float")  # formats of answers that may stand on a page as they are
_ANLS = 0.5  # up to which a text is another one
_CLOSE = 0.01  # of a float
_LONGEST = 10_000  # characters of a list
_INT = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|[1-9]\d*|0)")
_FLOAT = re.compile(r"[-+]?[$€£]?(?:\d{1,3}(?:,\d{3})+|[1-9]\d*|0)(?:\.\d+)? ?%?")
_EXACT = re.compile(  # of these a part is nothing: they name a place, a number or a time
    r".*https://.*|.*(?:a\.m\.|p\.m\.).*|page.*|.*\.py|.*ipynb|\d+(?:[-\s]\d+)?|\d{4}[-\s]\d{2}[-\s]\d{2}"
    r"|[\w.%+-]+@[a-z\d.-]+\.[a-z]{2,}",
    re.ASCII | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """The answer that is right.

    Args:
        parts: The elements of a list; the one text of any other format.
        form: Its format; "None": nothing answers the question.
    """

    parts: tuple[str, ...]
    form: AnswerFormat

    @property
    def text(self) -> str:
        """For people."""
        return "; ".join(self.parts)


def read_answer(value: object, form: AnswerFormat | None = None) -> ShortAnswer:
    """An answer as benchmarks write it.

    Args:
        value: Text, a number, or a list, which text may write as JSON or as Python does.
        form: Its format; None to guess it where it is plain, a number or a list; else it is text.

    Raises:
        ValueError: It is nothing of the kind, or not of its format; the message says so.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | list) or value in ("", []):
        raise ValueError(f"must be text, a number or a list, not {value!r}")
    elements = _elements(value) if form in (None, "List") else None
    parts = tuple(str(part).strip() for part in elements or [value])
    found = form or ("List" if elements else _guessed(parts[0]))
    if found in ("Int", "Float") and _number(parts[0]) is None:
        raise ValueError(f"must be a number for format {found}, not {value!r}")
    return ShortAnswer(parts, found)


def score(given: str, wanted: ShortAnswer) -> float:
    """How right a short answer is, from 0 to 1, as MMLongBench-Doc scores it.

    Args:
        given: The answer; a list as JSON or as Python writes it.
        wanted: The right one.
    """
    if wanted.form == "Int":
        number = _as_float(given.replace(",", ""))
        return float(number is not None and int(number) == _number(wanted.parts[0]))
    if wanted.form == "Float":
        return float(_is_close(_number(given), _number(wanted.parts[0])))
    if wanted.form != "List":
        return _alike(_clean(given), _clean(wanted.parts[0]))
    return _score_list([str(part) for part in _elements(given) or [given]], wanted.parts)


def best_stretch(texts: Sequence[str], wanted: ShortAnswer) -> float:
    """The score of the stretch of any of the texts that is most like the answer; a list's worst element counts.

    A text that is nothing but a short answer is scored as one, too.

    Args:
        texts: Sentences or quotes; a stretch is of one of them.
        wanted: The right answer.
    """
    if wanted.form == "None":
        return 0.0
    whole = max((score(text, wanted) for text in texts), default=0.0)
    return max(
        whole, min(max((_best(text, part, wanted.form) for text in texts), default=0.0) for part in wanted.parts)
    )


def stands_in(texts: Sequence[str], wanted: ShortAnswer) -> bool:
    """Whether the answer stands in one of the texts as it is; a list's elements may stand in different ones."""
    return wanted.form != "None" and all(any(contains(text, part) for text in texts) for part in wanted.parts)


def _best(text: str, part: str, form: AnswerFormat) -> float:
    clean = _clean(part)
    if contains(text, part):
        return 1.0
    if form in ("Int", "Float") or _EXACT.fullmatch(clean) or _as_float(clean) is not None:
        return 0.0
    return max((_alike(stretch, clean) for stretch in _stretches(_clean(text), 2 * len(clean))), default=0.0)


def _stretches(text: str, longest: int) -> Iterator[str]:
    """All runs of words of at most so many characters: in a longer one more than half would be wrong."""
    starts = [found.start() for found in re.finditer(r"\S+", text)]
    ends = [found.end() for found in re.finditer(r"\S+", text)]
    for i, start in enumerate(starts):
        for end in ends[i:]:
            if end - start > longest:
                break
            yield text[start:end]


def _score_list(given: Sequence[str], wanted: Sequence[str]) -> float:
    if len(given) != len(wanted):
        return 0.0
    one, other = sorted(map(_clean, given)), sorted(map(_clean, wanted))
    if _as_float(other[0]) is not None or _EXACT.fullmatch(other[0]):
        return float(one == other)
    return min(_anls(*pair) for pair in zip(one, other, strict=True))


def _alike(given: str, wanted: str) -> float:
    return float(given == wanted) if _EXACT.fullmatch(wanted) else _anls(given, wanted)


def _anls(given: str, wanted: str) -> float:
    """1 - edits / length of the longer one; 0 up to 0.5."""
    likeness = Levenshtein.normalized_similarity(given, wanted)
    return likeness if likeness > _ANLS else 0.0


def _is_close(given: float | None, wanted: float | None) -> bool:
    """Whether two floats are one, of which either may be a share or in per cent."""
    if given is None or wanted is None:
        return False
    values = (wanted / 100, wanted, wanted * 100)
    return any(math.isclose(value, given, rel_tol=_CLOSE) or _equal_at(given, value) for value in values)


def _equal_at(given: float, wanted: float) -> bool:
    """Whether they are equal at as many decimals as the shorter one has, two at least."""
    digits = max(min(len(str(value).partition(".")[2]) for value in (given, wanted)), 2)
    return round(given, digits) == round(wanted, digits)


def _clean(text: str) -> str:
    """Text without what says nothing."""
    plain = re.sub(r"\s*\([^)]*\)", "", text.lower().strip()).strip()
    return re.sub(r"^['\"]|['\"]$", "", plain).strip().lstrip("$").strip().rstrip("%").strip()


def _number(text: str) -> float | None:
    return _as_float(_clean(text).replace(",", ""))


def _as_float(text: str) -> float | None:
    with suppress(ValueError):
        number = float(text)
        return number if math.isfinite(number) else None
    return None


def _guessed(text: str) -> AnswerFormat:
    """The format of what is no list, where it is plain."""
    return "Int" if _INT.fullmatch(text) else "Float" if _FLOAT.fullmatch(text) else "Str"


def _elements(value: object) -> list[object] | None:
    """The elements of a list that is not empty; None when it is none."""
    if isinstance(value, list):
        return value or None
    text = str(value).strip()
    if not text.startswith("[") or len(text) > _LONGEST:
        return None
    with suppress(MalformedError):
        return parse_json(text) or None
    with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        return _elements(ast.literal_eval(text))
    return None
