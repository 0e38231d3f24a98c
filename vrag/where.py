"""The filter language: `year >= 2020 and author != "A. Smith" and doc in (a.pdf, b.pdf)`.

A clause is a key, one of `=`, `!=`, `<`, `<=`, `>`, `>=`, `in`, and a value; `and` joins clauses. Keys are `doc`,
`page`, `source`, `renderer` and whatever metadata the documents have; `meta.page` is the metadata key `page`.
Values with ` and ` or commas in them go in quotes. `a..b` is a range, ends included. A date may be a year or a month:
`date = 2024` is any day of it, `date <= 2024-03` any day until the end of March.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from vrag.documents import Documents
from vrag.errors import UsageError
from vrag.metadata import Types, cleaned, is_date, moment
from vrag.payload import PAGE
from vrag.store.base import Condition, Interval, Range, Selection

BUILT_IN = ("doc", "page", "source", "renderer")
_CLAUSE = re.compile(r"\s*(?P<key>[\w.-]+)\s*(?P<op>!=|<=|>=|=|<|>|\bin\b)\s*(?P<value>.*\S)\s*", re.DOTALL)
_AND = re.compile(r"\s+and\s+(?=[\w.-]+\s*(?:!=|<=|>=|=|<|>|\bin\b))", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_EXAMPLE = 'e.g. --where doc=report.pdf or --where "year >= 2020 and author in (Smith, Jones)"'

Clause = Condition | Range


def parse_where(clauses: Sequence[str], documents: Documents) -> Selection:
    """Pages that meet every clause.

    Raises:
        UsageError: Not of that form, an unknown key, a value of the wrong type, or no such document.
    """
    return Selection((Condition("kind", (PAGE,)), *_conditions(clauses, documents)))


def parse_where_documents(clauses: Sequence[str], documents: Documents) -> Selection:
    """Documents that meet every clause; clauses about single pages are refused.

    Raises:
        UsageError: As `parse_where`.
    """
    conditions = tuple(_conditions(clauses, documents))
    for condition in conditions:
        if condition.key in BUILT_IN:
            raise UsageError(f"{condition.key} is of single pages; here whole documents are chosen.")
    return Selection(conditions)


def _conditions(clauses: Sequence[str], documents: Documents) -> list[Clause]:
    types: dict[str, str] | None = None
    conditions = []
    for clause in clauses:
        for part in _split(clause):
            match = _CLAUSE.fullmatch(part)
            if match is None:
                raise UsageError(f"Filter {part!r} is not KEY=VALUE.", _EXAMPLE)
            key, op, value = match.group("key", "op", "value")
            if key in BUILT_IN:
                conditions.append(_BUILT_IN[key](key, op, _values(op, value), documents))
                continue
            types = Types(documents.store).known() if types is None else types
            conditions.append(_of_metadata(key.removeprefix("meta."), op, _values(op, value), types))
    return conditions


def _split(clause: str) -> list[str]:
    """Clauses joined by `and`, unless it stands in quotes."""
    kept: list[str] = []

    def hide(found: re.Match[str]) -> str:
        kept.append(found[0])
        return f"\0{len(kept) - 1}\0"

    hidden = _QUOTED.sub(hide, clause)
    return [re.sub("\0(\\d+)\0", lambda found: kept[int(found[1])], part) for part in _AND.split(hidden)]


def _values(op: str, text: str) -> list[str]:
    """The values of a clause, without quotes."""
    if op != "in":
        return [_unquoted(text)]
    inner = text[1:-1] if text.startswith("(") and text.endswith(")") else text
    parts = re.findall(r"\"[^\"]*\"|'[^']*'|[^,\s][^,]*", inner)
    if not parts:
        raise UsageError(f"Filter value {text!r} lists nothing.", "e.g. year in (2023, 2024)")
    return [_unquoted(part.strip()) for part in parts]


def _unquoted(text: str) -> str:
    return text[1:-1] if _QUOTED.fullmatch(text) else text


def _of_document(key: str, op: str, values: list[str], documents: Documents) -> Clause:
    ids = (document.doc_id for value in values for document in documents.find(value))
    return _equal("doc_id", op, tuple(dict.fromkeys(ids)), key)


def _of_page(key: str, op: str, values: list[str], documents: Documents) -> Clause:
    for number in (end for value in values for end in value.split("..")):
        if not number.isdecimal() or int(number) < 1:
            raise UsageError(f"Filter page={number!r} needs a page number from 1.")
    if op in ("=", "in") and not any(".." in value for value in values):
        return Condition(key, tuple(int(value) for value in values))
    return _ranged(key, op, values, _number_interval)


def _of_keyword(key: str, op: str, values: list[str], documents: Documents) -> Clause:
    return _equal(key, op, tuple(values), key)


_BUILT_IN: Mapping[str, Callable[[str, str, list[str], Documents], Clause]] = {
    "doc": _of_document, "page": _of_page, "source": _of_keyword, "renderer": _of_keyword
}  # fmt: skip


def _of_metadata(key: str, op: str, values: list[str], types: Mapping[str, str]) -> Clause:
    kind = types.get(key)
    if kind is None:
        raise UsageError(f"Unknown filter key {key!r}.", f"Keys: {', '.join((*BUILT_IN, *sorted(types)))}.")
    stored = f"meta.{key}"
    if kind == "number":
        return _ranged(stored, op, values, _number_interval)
    if kind == "date":
        return _ranged(stored, op, values, _date_interval)
    if kind == "bool":
        values = [value.lower() for value in values]
        if wrong := set(values) - {"true", "false"}:
            raise UsageError(f"Filter {key}={min(wrong)!r} must be true or false.")
    return _equal(stored, op, tuple(cleaned(value) for value in values), key)


def _equal(stored: str, op: str, values: tuple[str, ...], key: str) -> Condition:
    if op not in ("=", "!=", "in"):
        raise UsageError(f"{key} has no order: {op} cannot compare it.", "Use =, != or in.")
    return Condition(stored, values, negate=op == "!=")


def _ranged(stored: str, op: str, values: list[str], interval: Callable[[str, str], Interval]) -> Range:
    """A comparison of numbers or dates; a value stands for an interval, of one point or more."""
    key = stored.removeprefix("meta.")
    intervals = []
    for value in values:
        low, dots, high = value.partition("..")
        first, last = interval(low.strip(), key), interval(high.strip() if dots else low.strip(), key)
        intervals.append(_compared(op, first, last))
    return Range(stored, tuple(intervals), negate=op == "!=")


def _compared(op: str, first: Interval, last: Interval) -> Interval:
    """What lies on the side of an interval, from `first` to `last`, that the operator asks for."""
    if op == "<":
        return Interval(lt=first.gte)
    if op == ">=":
        return Interval(gte=first.gte)
    if op == "<=":
        return Interval(lte=last.lte, lt=last.lt)
    if op == ">":
        return Interval(gt=last.lte, gte=last.lt)
    return Interval(gte=first.gte, lte=last.lte, lt=last.lt)


def _number_interval(text: str, key: str) -> Interval:
    try:
        number = float(text)
    except ValueError as error:
        raise UsageError(f"Filter {key}={text!r} needs a number.") from error
    return Interval(gte=number, lte=number)


def _date_interval(text: str, key: str) -> Interval:
    """A year, a month, a day or a moment: from its start to before its end."""
    if len(text) > 10 and is_date(text):
        return Interval(gte=moment(text), lte=moment(text))
    match = re.fullmatch(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?", text)
    try:
        if match is None:
            raise ValueError(text)
        year, month, day = int(match[1]), int(match[2] or 1), int(match[3] or 1)
        start, days = date(year, month, day), _length(year, int(match[2] or 0), int(match[3] or 0))
        return Interval(gte=start.isoformat(), lt=(start + timedelta(days)).isoformat())
    except (ValueError, OverflowError) as error:
        raise UsageError(f"Filter {key}={text!r} needs a date.", "e.g. 2024, 2024-03 or 2024-03-01") from error


def _length(year: int, month: int, day: int) -> int:
    """Days of a day, a month (day 0) or a year (month 0)."""
    if day:
        return 1
    return calendar.monthrange(year, month)[1] if month else 365 + calendar.isleap(year)
