"""README, docs and help texts can be read: no phrase that reads as if it were translated, no endless sentences.

`python docs/prose.py --long 35` shows what is long; each phrase in `BANNED` says what to write instead.
"""

import re
import runpy
from pathlib import Path

import pytest

PROSE = runpy.run_path(str(Path(__file__).parent.parent / "docs" / "prose.py"))
TEXTS = {**PROSE["pages"](), **{f"{name} --help": text for name, text in PROSE["helps"]().items()}}
SENTENCES = PROSE["everything"]()
MOST_MEAN, MOST_WORDS, LONG, MOST_LONG = 20, 55, 40, 0.01
ENOUGH = 8  # sentences of a page, for a mean to say something


@pytest.mark.parametrize("place", TEXTS)
def test_nothing_reads_as_if_it_were_translated(place):
    found = [
        f"{match[0]!r}: {better}"
        for phrase, better in PROSE["BANNED"].items()
        for match in re.finditer(phrase, " ".join(TEXTS[place].split()), re.IGNORECASE)
    ]
    assert found == []


@pytest.mark.parametrize("place", [place for place, many in SENTENCES.items() if len(many) >= ENOUGH])
def test_sentences_are_short(place):
    seen = PROSE["Measure"].of(SENTENCES[place])
    assert seen.mean <= MOST_MEAN
    assert [one.text for one in SENTENCES[place] if one.words > MOST_WORDS] == []


def test_long_sentences_are_rare():
    everything = [one for many in SENTENCES.values() for one in many]
    long = [one for one in everything if one.words > LONG]
    assert len(everything) > 2000
    assert len(long) <= MOST_LONG * len(everything), [f"{one.place}: {one.text}" for one in long]


def test_the_measure_is_right():
    text = "# Title\n\nIt is said. It says `two words` and [a link](x.md) more,\ne.g. this!\n\n- One item\n  goes on.\n"
    text += "\n| a table | of words |\n"
    found = PROSE["sentences_of"]("here", PROSE["markdown_prose"](text))
    assert [(one.words, one.is_passive) for one in found] == [(3, True), (9, False), (4, False)]
    assert PROSE["Measure"].of(found) == (3, 16, 9, 1)


def test_what_was_said_before_would_not_pass():
    banned = "|".join(PROSE["BANNED"])
    for said in (
        "Fall of the mean that is let pass.",
        "Regions cannot be said to the engine",
        "| an index that lives |",
    ):
        assert re.search(banned.replace("(?-i:", "(?:"), said, re.IGNORECASE)
