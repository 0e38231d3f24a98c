"""Dates in a text, however they are written, and whether one is another."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
           "december")  # fmt: skip
_MONTH = rf"(?P<month>{'|'.join(f'{name[:3]}(?:{name[3:]})?' for name in _MONTHS)}|sept)\b\.?"
_DAY = r"(?<![\d.,])(?P<day>\d{1,2})(?:st|nd|rd|th)?\b"
_YEAR = r"(?P<year>[12]\d{3})(?![\d.,]*\d)"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"(?<!\d)(?P<year>[12]\d{3})(?P<by>[-/.])(?P<number>\d{1,2})(?P=by)(?P<day>\d{1,2})(?!\d)",
        rf"(?<!\d)(?P<either>\d{{1,2}})(?P<by>[-/.])(?P<other>\d{{1,2}})(?P=by){_YEAR}",
        rf"{_DAY},? (?:of )?{_MONTH}(?:,? {_YEAR})?",
        rf"\b{_MONTH} {_DAY}(?:,? {_YEAR})?",
        rf"\b{_MONTH},? {_YEAR}",
    )
)


@dataclass(frozen=True, slots=True)
class Date:
    """A day or a month as it is written.

    Args:
        span: Where it stands in the text.
        year: None where it is not said.
        months: From 1; two where the order of day and month is not known, then `days` the other way round.
        days: Of the month; none where it is not said.
    """

    span: tuple[int, int]
    year: int | None
    months: tuple[int, ...]
    days: tuple[int, ...]

    def is_also(self, other: Date, years: Collection[Fraction]) -> bool:
        """Whether another date says what this one does, or more.

        Args:
            other: It.
            years: That are said besides, for one that has none.
        """
        if self.year is not None and self.year != other.year and (other.year is not None or self.year not in years):
            return False
        if not self.days:
            return bool(set(self.months) & set(other.months))
        return bool(set(zip(self.months, self.days, strict=True)) & set(zip(other.months, other.days, strict=False)))


def dates_in(text: str) -> Iterator[Date]:
    """The dates of a text with single spaces and plain dashes, each place once."""
    taken: list[tuple[int, int]] = []
    for form in _FORMS:
        for found in form.finditer(text):
            if any(found.start() < end and start < found.end() for start, end in taken):
                continue
            date = _date(found)
            if date is not None:
                taken.append(found.span())
                yield date


def _date(found: re.Match[str]) -> Date | None:
    said = found.groupdict()
    year = int(said["year"]) if said.get("year") else None
    if said.get("either"):
        pairs = {(int(said["other"]), int(said["either"])), (int(said["either"]), int(said["other"]))}
    else:
        month = int(said["number"]) if said.get("number") else _month(said["month"])
        pairs = {(month, int(said["day"]) if said.get("day") else 1)}
    pairs = {(month, day) for month, day in pairs if 1 <= month <= len(_MONTHS) and 1 <= day <= 31}
    if not pairs:
        return None
    months, days = zip(*sorted(pairs), strict=True)
    has_day = bool(said.get("day") or said.get("either"))
    return Date(found.span(), year, months, days if has_day else ())


def _month(name: str) -> int:
    return next(i for i, month in enumerate(_MONTHS, 1) if month.startswith(name[:3].lower()))
