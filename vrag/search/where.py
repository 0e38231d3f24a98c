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

from vrag.catalog.documents import Document, Documents
from vrag.catalog.kinds import PAGE
from vrag.catalog.metadata import Types, cleaned, is_date, moment
from vrag.errors import UsageError
from vrag.runtime.parsing import MalformedError, real_number, whole_number
from vrag.runtime.pathtext import quoted
from vrag.store.interface import Condition, Interval, Range, Selection

BUILT_IN = ("doc", "page", "source", "renderer")
MOST_CHARACTERS = 20_000  # of a filter
MOST_CLAUSES = 100  # of a search
MOST_PAGE = 2**53  # that can be asked for
_CLAUSE = re.compile(r"(?P<key>[\w.-]+)\s*(?P<op>!=|<=|>=|=|<|>|\bin\b)\s*(?P<value>\S.*)", re.DOTALL)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_AND = re.compile(  # outside of quotes; from the first of many spaces, or each would be tried
    rf"{_QUOTED.pattern}|(?P<and>(?<!\s)\s+and\s+(?=[\w.-]+\s*(?:!=|<=|>=|=|<|>|\bin\b)))", re.IGNORECASE
)
_EXAMPLE = 'e.g. "doc=report.pdf" or "year >= 2020 and author in (Smith, Jones)"'

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
            raise UsageError(
                f"A filter by {condition.key} chooses single pages, and here whole documents are wanted.",
                "Leave it out.",
            )
    return Selection(conditions)


def find_documents(names: Sequence[str], clauses: Sequence[str], documents: Documents) -> list[Document]:
    """Documents of these names that meet every clause; without names all of those that do.

    Raises:
        UsageError: As `parse_where_documents`, or there is no document of a name.
    """
    named = {document.doc_id: document for name in names for document in documents.find(name)}
    if not clauses:
        return list(named.values()) if names else documents.all()
    chosen = documents.selected(parse_where_documents(clauses, documents))
    return [document for document in chosen if not names or document.doc_id in named]


def _conditions(clauses: Sequence[str], documents: Documents) -> list[Clause]:
    types: dict[str, str] | None = None
    conditions: list[Clause] = []
    parts = [part for clause in clauses for part in _split(clause)]
    if len(parts) > MOST_CLAUSES:
        raise UsageError(f"The filters have {len(parts)} clauses; {MOST_CLAUSES} is the most.", _EXAMPLE)
    for part in parts:
        match = _CLAUSE.fullmatch(part)
        if match is None:
            raise UsageError(f"Filter {quoted(part)} is not KEY=VALUE.", _EXAMPLE)
        key, op, value = match.group("key", "op", "value")
        if key in BUILT_IN:
            conditions.append(_BUILT_IN[key](key, op, _values(op, value), documents))
            continue
        types = Types(documents.store).known() if types is None else types
        conditions.append(_of_metadata(key.removeprefix("meta."), op, _values(op, value), types))
    return conditions


def _split(clause: str) -> list[str]:
    """Clauses joined by `and`, unless it stands in quotes.

    Raises:
        UsageError: It is no text, or too long.
    """
    if not isinstance(clause, str):
        raise UsageError(f"A filter is text, not {type(clause).__name__}.", _EXAMPLE)
    if len(clause) > MOST_CHARACTERS:
        raise UsageError(f"Filter {quoted(clause)} is longer than {MOST_CHARACTERS} characters.", _EXAMPLE)
    joints = [found.span() for found in _AND.finditer(clause) if found["and"]]
    starts, ends = [0, *(end for _, end in joints)], [*(start for start, _ in joints), len(clause)]
    return [clause[start:end].strip() for start, end in zip(starts, ends, strict=True)]


def _values(op: str, text: str) -> list[str]:
    """The values of a clause, without quotes."""
    if op != "in":
        return [_unquoted(text)]
    inner = text[1:-1] if text.startswith("(") and text.endswith(")") else text
    parts = re.findall(r"\"[^\"]*\"|'[^']*'|[^,\s][^,]*", inner)
    if not parts:
        raise UsageError(f"Filter value {quoted(text)} lists nothing.", "e.g. year in (2023, 2024)")
    return [_unquoted(part.strip()) for part in parts]


def _unquoted(text: str) -> str:
    return text[1:-1] if _QUOTED.fullmatch(text) else text


def _of_document(key: str, op: str, values: list[str], documents: Documents) -> Clause:
    ids = (document.doc_id for value in values for document in documents.find(value))
    return _equal("doc_id", op, tuple(dict.fromkeys(ids)), key)


def _of_page(key: str, op: str, values: list[str], documents: Documents) -> Clause:
    numbers = [_page_number(end) for value in values for end in value.split("..")]
    if op in ("=", "in") and not any(".." in value for value in values):
        return Condition(key, tuple(numbers))
    return _ranged(key, op, values, _number_interval)


def _page_number(text: str) -> int:
    try:
        number = whole_number(text)
    except MalformedError:
        number = 0
    if not 1 <= number <= MOST_PAGE:
        raise UsageError(f"Filter page={quoted(text)} needs a page number from 1.")
    return number


def _of_keyword(key: str, op: str, values: list[str], documents: Documents) -> Clause:
    return _equal(key, op, tuple(map(cleaned, values)), key)


_BUILT_IN: Mapping[str, Callable[[str, str, list[str], Documents], Clause]] = {
    "doc": _of_document, "page": _of_page, "source": _of_keyword, "renderer": _of_keyword
}  # fmt: skip


def _of_metadata(key: str, op: str, values: list[str], types: Mapping[str, str]) -> Clause:
    kind = types.get(key)
    if kind is None:
        raise UsageError(f"Unknown filter key {quoted(key)}.", f"Keys: {', '.join((*BUILT_IN, *sorted(types)))}.")
    stored = f"meta.{key}"
    if kind == "number":
        return _ranged(stored, op, values, _number_interval)
    if kind == "date":
        return _ranged(stored, op, values, _date_interval)
    if kind == "bool":
        values = [value.lower() for value in values]
        if wrong := set(values) - {"true", "false"}:
            raise UsageError(f"Filter {key}={quoted(min(wrong))} must be true or false.")
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
        number = real_number(text)
    except MalformedError as error:
        raise UsageError(f"Filter {key}={quoted(text)} needs a number: it is {error}.") from error
    return Interval(gte=number, lte=number)


def _date_interval(text: str, key: str) -> Interval:
    """A year, a month, a day or a moment: from its start to before its end."""
    if len(text) > 10 and is_date(text):
        return Interval(gte=moment(text), lte=moment(text))
    match = re.fullmatch(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?", text, re.ASCII)
    try:
        if match is None:
            raise ValueError(text)
        year, month, day = int(match[1]), int(match[2] or 1), int(match[3] or 1)
        start, days = date(year, month, day), _length(year, int(match[2] or 0), int(match[3] or 0))
        return Interval(gte=start.isoformat(), lt=(start + timedelta(days)).isoformat())
    except (ValueError, OverflowError) as error:
        raise UsageError(f"Filter {key}={quoted(text)} needs a date.", "e.g. 2024, 2024-03 or 2024-03-01") from error


def _length(year: int, month: int, day: int) -> int:
    """Days of a day, a month (day 0) or a year (month 0)."""
    if day:
        return 1
    return calendar.monthrange(year, month)[1] if month else 365 + calendar.isleap(year)
