"""What a text counts and measures: numbers with their sign, scale and unit, and dates; and whether others say it.

Two figures are one whatever their form: 1.2 billion is 1,200 million, 41 % is 41 percent, twelve is 12. A table writes
its scale and units once, above its numbers, so a number without any may have those that stand on its page.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from vrag.ask.dates import dates_in
from vrag.ask.tokens import Tokens, tokens_of
from vrag.embedders.function_words import FUNCTION_WORDS

_ONES = "one two three four five six seven eight nine"
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORDS = {word: i for i, word in enumerate(f"{_ONES} {_TEENS}".split(), 1)}
_WORDS |= {word: 10 * i for i, word in enumerate(_TENS.split(), 2)}
_SCALES = {
    word: Fraction(10**power)
    for power, words in ((2, "hundred"), (3, "thousand thousands k 000s"), (6, "million millions mn mio"),
                         (9, "billion billions bn b"), (12, "trillion trillions tn"))
    for word in words.split()
}  # fmt: skip
_NAMES = """
    % percent pct | points point pp ppt | bps bp | ‰ | ° degrees degree
    $ dollar dollars usd | € euro euros eur | £ gbp sterling | ¥ yen jpy | ₹ rupees inr
    second seconds sec secs | minute minutes min mins | hour hours hr hrs h | day days | week weeks | month months
    year years | kg kilogram kilograms | g gram grams | mg | tonne tonnes | ton tons | lb lbs | oz
    km kilometer kilometers kilometre kilometres | m meter meters metre metres | cm | mm | mile miles | ft feet foot
    inch inches | liter liters litre litres l | ml | bar bars | psi | kpa | mpa | v volt volts | w watt watts | kw | mw
    gw | kwh | mwh | gwh | hz | khz | mhz | ghz | kb | mb | gb | tb
"""
_UNITS = {word: names.split()[0] for line in _NAMES.split("\n") for names in line.split("|") for word in names.split()}
_CURRENCIES = frozenset("$€£¥₹")
_RATIOS = frozenset({"%", "points", "bps", "‰"})
_MEASURES = frozenset(_UNITS.values()) - _CURRENCIES - _RATIOS
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_WHOLE = re.compile(r"(\d+(?:[.,]\d+)?)([a-z]*)")
_LONGEST = 4_000  # characters of a number: Python makes none of more digits
_NEAR = 60  # characters before a number in which a word is looked for
_ASIDE = re.compile(r"(\w+) ?\( ?[$€£¥₹]? ?$")
_FALLING = re.compile(  # words by which a claim says that a number is below nothing, or is paid
    r"\b(?:loss|decreas|declin|fell|fall|drop|down|lower|less|negative|minus|deficit|outflow|outlay|expen|cost|paid|pay"
    r"|purchas|repurchas|used?\b|tax|charge|write|impair|depreciat|amortiz|reduc|spen[dt]|dividend|shr[aiu]nk|below"
    r"|under|interest)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as a text says it.

    Args:
        said: As it is written.
        start: Where it stands in the text; -1 where it is part of a date that says it otherwise.
        number: Without sign and scale.
        scale: That it is multiplied by; None where none is said beside it.
        units: Beside it, by one name each: at most a currency, and a ratio or measure.
        is_negative: By a minus or, as in accounts, by parentheses.
        is_word: Whether it is written as a word.
    """

    said: str
    start: int
    number: Fraction
    scale: Fraction | None = None
    units: frozenset[str] = frozenset()
    is_negative: bool = False
    is_word: bool = False

    def values(self, scales: frozenset[Fraction]) -> set[Fraction]:
        """What it may mean where a text says these scales."""
        own = scales | {Fraction(1)} if self.scale is None else {self.scale}
        return {self.number * scale for scale in own}


class Figures:
    """The figures and dates of a text, and the scales and units that stand anywhere in it.

    Args:
        text: Of it.
        around: Tokens' keys around it, which say the scales and units of numbers that have none; such as its page's.
    """

    def __init__(self, text: str, around: Iterable[str] = ()) -> None:
        tokens = tokens_of(text.split())
        words = {*tokens.keys, *around}
        self.text = tokens.text
        self.figures = list(_figures(tokens))
        self.dates = list(dates_in(self.text))
        self.scales = frozenset(_SCALES[word] for word in words & _SCALES.keys() if len(word) > 1)
        self.units = frozenset(_UNITS[word] for word in words & _UNITS.keys())
        self.units |= {unit for figure in self.figures for unit in figure.units}

    @cached_property
    def bare(self) -> set[Fraction]:
        """Numbers without a scale and a unit, those of dates among them."""
        numbers = {one.number for one in self.figures if one.scale is None and not one.units}
        return numbers | {Fraction(part) for date in self.dates for part in (date.year, *date.days) if part is not None}

    @cached_property
    def _by_value(self) -> dict[Fraction, set[Figure]]:
        """Figures by all values that they may have, each kind of them once."""
        found = defaultdict[Fraction, set[Figure]](set)
        for figure in self.figures:
            for value in figure.values(self.scales):
                found[value].add(replace(figure, said="", start=-1, is_word=False))
        for date in self.dates:
            for part in filter(None, (date.year, *date.days)):
                found[Fraction(part)].add(Figure("", -1, Fraction(part)))
        return found

    def missing(self, quotes: Sequence[Figures], question: Figures) -> tuple[str, ...]:
        """The figures and dates that it has and quotes have not, as it writes them.

        Args:
            quotes: That it rests on.
            question: That it answers: its dates, and its numbers without scale and unit, need no proof.
        """
        dates = {replace(date, span=(0, 0)) for text in (*quotes, question) for date in text.dates}
        years = question.bare.union(*(text.bare for text in quotes))
        lost = [self.text[slice(*date.span)] for date in self.dates if not any(date.is_also(it, years) for it in dates)]
        figures = {replace(one, said="", start=-1): one for one in reversed([*self._counted()])}
        lost += [one.said for one in reversed(figures.values()) if not self._is_known(one, quotes, question)]
        return tuple(dict.fromkeys(lost))

    def _is_known(self, figure: Figure, quotes: Sequence[Figures], question: Figures) -> bool:
        is_asked = figure.scale is None and not figure.units and figure.number in question.bare
        return is_asked or any(
            self._is(figure, other, text)
            for text in quotes
            for value in figure.values(self.scales)
            for other in text._by_value.get(value, ())
        )

    def _counted(self) -> Iterator[Figure]:
        """Figures that are no part of a date; "one" counts nothing in most sentences."""
        for figure in self.figures:
            is_dated = any(start <= figure.start < end for start, end in (date.span for date in self.dates))
            if not is_dated and not (figure.is_word and figure.number == 1):
                yield figure

    def _is(self, figure: Figure, other: Figure, text: Figures) -> bool:
        """Whether a figure of this text, and one of another that is as much, are the same."""
        return self._has_units(figure, other, text) and self._has_sign(figure, other, text)

    def _has_units(self, figure: Figure, other: Figure, text: Figures) -> bool:
        for kind in (_CURRENCIES, _RATIOS, _MEASURES):
            said, stands = figure.units & kind, other.units & kind
            if said and said != (stands or said & text.units):
                return False
        bare = other.units & _RATIOS if not figure.units & _RATIOS else frozenset[str]()
        return bare <= self.units  # "from 40 to 41 %" says it once

    def _has_sign(self, figure: Figure, other: Figure, text: Figures) -> bool:
        """Signs are the same, or words say that the number is below nothing: a loss, an expense."""
        if figure.is_negative == other.is_negative or self._is_aside(figure):
            return True
        return any(map(_FALLING.search, (self.text, text.text) if figure.is_negative else (self.text,)))

    def _is_aside(self, figure: Figure) -> bool:
        """Whether a number is in parentheses as a remark is: behind a name ("freight (41 %)"), not in "was (41)"."""
        before = _ASIDE.search(self.text[max(0, figure.start - _NEAR) : figure.start])
        return before is not None and before[1].casefold() not in FUNCTION_WORDS


def _figures(tokens: Tokens) -> Iterator[Figure]:
    """The figures of a text, in order."""
    keys, i = tokens.keys, 0
    while i < len(keys):
        size, found = _figure_at(tokens, i)
        yield from found
        i += size


def _figure_at(tokens: Tokens, i: int) -> tuple[int, list[Figure]]:
    """How many tokens from `i` are read together, and the figures that they say."""
    key, said = tokens.keys[i], tokens.text[slice(*tokens.spans[i])]
    if len(key) > _LONGEST:
        return 1, []
    if key in _WORDS:
        below = tokens.keys[i + 1] if i + 1 < len(tokens) and key in _TENS.split() else ""
        is_two = below in _ONES.split()
        number, size = Fraction(_WORDS[key] + (_WORDS[below] if is_two else 0)), 2 if is_two else 1
        return size, [_scaled(tokens, i, i + size, said if size == 1 else f"{said}-{below}", number, "")]
    whole = _WHOLE.fullmatch(key.lstrip("-"))
    if whole is None or (whole[2] and whole[2] not in _SCALES and whole[2] not in _UNITS and whole[2] != "m"):
        return 1, [Figure(said, tokens.spans[i][0], Fraction(number)) for number in _NUMBER.findall(key)]
    return 1, [_scaled(tokens, i, i + 1, said, Fraction(whole[1].replace(",", ".")), whole[2])]


def _scaled(tokens: Tokens, first: int, end: int, said: str, number: Fraction, suffix: str) -> Figure:
    """A number with what stands beside it: a currency before, a scale behind, a unit behind that."""
    keys, before = tokens.keys, _UNITS.get(tokens.keys[first - 1], "") if first else ""
    currency = {before} & _CURRENCIES
    behind = [suffix, *keys[end : end + 4]] if suffix else list(keys[end : end + 4])
    scale = None
    if behind and (behind[0] in _SCALES or (behind[0] == "m" and currency)):
        scale = _SCALES.get(behind.pop(0), Fraction(10**6))
    unit = _unit(behind)
    units = frozenset(currency | ({unit} - {""}))
    return Figure(
        said, tokens.spans[first][0], number, scale, units, keys[first].startswith("-"), keys[first] in _WORDS
    )


def _unit(behind: list[str]) -> str:
    """The unit that words behind a number begin with; empty when it is none."""
    words = [_UNITS.get(word, word) for word in behind]
    if words[:2] in (["%", "points"], ["percentage", "points"]):
        return "points"
    if words[:2] == ["basis", "points"]:
        return "bps"
    if words[:2] == ["per", "cent"]:
        return "%"
    return words[0] if words and words[0] in _UNITS.values() else ""
