"""How well the checker tells quotes that are on a page from quotes that were changed.

    python eval/quotes.py INDEX... [--count 500] [--seed 0] [--misses]

Quotes are cut from random pages of indexes. Some are spoilt as OCR and typesetting spoil text: letters read for others
that look like them, a wrong one now and then, ligatures, hyphens and line breaks, spaces lost and seen, quotation marks
and dashes of another kind. They say the same and must be supported. Others are changed in one place: a digit, a sign, a
unit, a negation, a name. They must be refused. The last are looked for on another page, and must not be found.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from vrag import Index
from vrag.ask.checking import check
from vrag.catalog.payload import page_words
from vrag.pages.page import Words
from vrag.search.where import parse_where

FEWEST, MOST = 4, 40  # words of a quote
_LETTERS = 12  # of a quote at least
_TRIES = 200  # for each quote that is wanted
_MISREAD, _WRONG, _HYPHENS = 0.03, 0.003, 0.1  # shares of letters and words that are spoilt
_ALIKE = {"l": "1", "1": "l", "I": "l", "O": "0", "0": "O", "S": "5", "5": "S", "B": "8", "8": "B", "m": "rn",
          "d": "cl", "e": "c", "c": "e", "w": "vv", "i": "l", "Z": "2", "2": "Z", "rn": "m", "cl": "d"}  # fmt: skip
_LOOKS = {'"': "\u201d", "'": "\u2019", "-": "\u2013", "fi": "\ufb01", "fl": "\ufb02", "ff": "\ufb00"}
_UNITS = {"million": "billion", "billion": "million", "thousand": "million", "%": " bps", "$": "€", "kg": "g",
          "km": "miles", "hours": "days", "days": "weeks", "years": "months", "months": "years", "mm": "cm",
          "percent": "points", "MB": "GB", "weeks": "days", "minutes": "hours", "meters": "feet", "inches": "feet",
          "degrees": "meters", "millions": "billions"}  # fmt: skip
_VERBS = frozenset({"is", "are", "was", "were", "has", "have", "had", "will", "can", "could", "should", "must", "does"})
_NEGATIONS = frozenset({"not", "never", "no", "without"})
_NUMBER = re.compile(r"(?<![\w.,(-])\d[\d,]*(?:\.\d+)?(?![\w)-])")
_NAME = re.compile(r"[A-Z][a-z]{3,}")
Case = tuple[Words, str, str]  # page, quote, and what is given out for it


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the shares, of every index apart."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("index", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=500, help="quotes of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--misses", action="store_true", help="print what was judged wrongly")
    options = parser.parse_args(arguments)
    for place in options.index:
        with Index.hold(place) as index:
            records = index.stored.store.scroll(parse_where((), index.documents))
            pages = [page_words(record.payload) for record in records]
        miss = print if options.misses else lambda _: None
        shares = measure(pages, options.count, random.Random(options.seed), miss)
        print(f"{place.name}, {len(pages)} pages, {options.count} quotes of each kind")
        print("".join(f"  {name}: {share:.1%}\n" for name, share in shares.items()), end="")
    return 0


def measure(pages: Sequence[Words], count: int, chance: random.Random, miss: Callable[[str], None]) -> dict[str, float]:
    """Shares of quotes that are judged rightly, by what was done to them.

    Args:
        pages: Where quotes are cut from.
        count: Quotes that are spoilt; as many are changed, and looked for on other pages.
        chance: Decides all that is random.
        miss: Told of what is judged wrongly.

    Returns:
        "spoilt": supported; "elsewhere": not found on another page; each of `ALTERATIONS` and "all" of them: refused.
    """
    spoilt = [(page, quote, spoil(quote, chance)) for page, quote in _quotes(pages, chance, count)]
    elsewhere = [(chance.choice(pages), quote, quote) for _, quote in _quotes(pages, chance, count)]
    shares = {
        "spoilt": _share(spoilt, lambda status: status == "supported", miss),
        "elsewhere": _share(elsewhere, lambda status: status == "not found", lambda _: None),
    }
    names = sorted({name for page in pages for word in page.texts for name in _NAME.findall(word)})
    everything = []
    for kind in ALTERATIONS:
        some = _changed(pages, kind, names, chance, count // len(ALTERATIONS))
        shares[kind] = _share(some, lambda status: status != "supported", miss)
        everything += some
    return {**shares, "all": _share(everything, lambda status: status != "supported", lambda _: None)}


def _share(cases: Sequence[Case], is_right: Callable[[str], bool], miss: Callable[[str], None]) -> float:
    wrong = 0
    for page, quote, given in cases:
        verdict = check(given, page)
        if not is_right(verdict.status):
            wrong += 1
            miss(f"{verdict.status}: {quote!r}\n  {given!r}\n  {verdict.mismatches}")
    return 1 - wrong / max(len(cases), 1)


def _changed(pages: Sequence[Words], kind: str, names: Sequence[str], chance: random.Random, count: int) -> list[Case]:
    """Quotes that have something of a kind, and the same with that changed."""
    found: list[Case] = []
    for page, quote in _quotes(pages, chance, _TRIES * count):
        if changed := ALTERATIONS[kind](quote, names, chance):
            found.append((page, quote, changed))
        if len(found) == count:
            break
    return found


def _quotes(pages: Sequence[Words], chance: random.Random, count: int) -> Iterator[tuple[Words, str]]:
    """Stretches of random pages with letters in them."""
    for _ in range(_TRIES * count):
        page, size = chance.choice(pages), chance.randint(FEWEST, MOST)
        start = chance.randrange(max(1, len(page) - size + 1))
        quote = " ".join(page.texts[start : start + size])
        if len(page) >= size and sum(map(str.isalpha, quote)) >= _LETTERS:
            yield page, quote
            count -= 1
        if not count:
            return


def spoil(quote: str, chance: random.Random) -> str:
    """The quote as bad OCR and other typesetting would have it."""
    text, i = [], 0
    while i < len(quote):
        pair = quote[i : i + 2]
        seen = pair if pair in _ALIKE or pair in _LOOKS else quote[i]
        is_between_numbers = quote[max(0, i - 1)].isdigit() and quote[min(i + 1, len(quote) - 1)].isdigit()
        text.append(_spoilt(seen, is_between_numbers, chance))
        i += len(seen)
    words = "".join(text).split(" ")
    return " ".join(_hyphenated(word, chance) if chance.random() < _HYPHENS else word for word in words)


def _spoilt(seen: str, is_between_numbers: bool, chance: random.Random) -> str:
    if seen == " ":
        return " " if is_between_numbers else chance.choices([" ", "\n", "", "  "], [84, 12, 2, 2])[0]
    if seen in _LOOKS and chance.random() < 0.5:
        return _LOOKS[seen]
    if seen in _ALIKE and chance.random() < _MISREAD:
        return _ALIKE[seen]
    is_wrong = seen.isalpha() and seen.islower() and chance.random() < _WRONG
    return chance.choice("abcdefghijklmnopqrstuvwxyz") if is_wrong else seen


def _hyphenated(word: str, chance: random.Random) -> str:
    if len(word) < 6 or not word.isalpha():
        return word
    at = chance.randint(2, len(word) - 2)
    return f"{word[:at]}-\n{word[at:]}"


def _digit(quote: str, _: Sequence[str], chance: random.Random) -> str:
    places = [i for i, char in enumerate(quote) if char in "0123456789"]
    if not places:
        return ""
    i = chance.choice(places)
    return quote[:i] + chance.choice([digit for digit in "0123456789" if digit != quote[i]]) + quote[i + 1 :]


def _sign(quote: str, _: Sequence[str], chance: random.Random) -> str:
    found = list(_NUMBER.finditer(quote))
    if not found:
        return ""
    number = chance.choice(found)
    return f"{quote[: number.start()]}{chance.choice((f'-{number[0]}', f'({number[0]})'))}{quote[number.end() :]}"


def _unit(quote: str, _: Sequence[str], chance: random.Random) -> str:
    found = [m for unit in _UNITS for m in re.finditer(rf"\b{unit}\b" if unit.isalpha() else re.escape(unit), quote)]
    if not found:
        return ""
    unit = chance.choice(found)
    return f"{quote[: unit.start()]}{_UNITS[unit[0]]}{quote[unit.end() :]}"


def _negation(quote: str, _: Sequence[str], chance: random.Random) -> str:
    """With a "not" behind a verb, or without one that is neither first nor last, where leaving it out is a cut."""
    words = quote.split(" ")
    said = [i for i, word in enumerate(words) if 0 < i < len(words) - 1 and word in _NEGATIONS]
    verbs = [i for i, word in enumerate(words[:-1]) if word in _VERBS and words[i + 1] not in _NEGATIONS]
    if not said and not verbs:
        return ""
    i = chance.choice(said + verbs)
    return " ".join([*words[:i], *words[i + 1 :]] if i in said else [*words[: i + 1], "not", *words[i + 1 :]])


def _name(quote: str, names: Sequence[str], chance: random.Random) -> str:
    found = list(_NAME.finditer(quote))
    others = [name for name in names if found and all(name != one[0] for one in found)]
    if not others:
        return ""
    name = chance.choice(found)
    return quote[: name.start()] + chance.choice(others) + quote[name.end() :]


ALTERATIONS = {"digit": _digit, "sign": _sign, "unit": _unit, "negation": _negation, "name": _name}

if __name__ == "__main__":
    sys.exit(main())
