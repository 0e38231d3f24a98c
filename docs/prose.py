"""Measures the prose of README, docs and the command line's help: words a sentence, passive voice, phrases to avoid.

    python docs/prose.py              # a line for each file, and one for all
    python docs/prose.py --long 35    # and every sentence of more words

`tests/test_prose.py` holds the limits. Code, tables, headings, links' addresses and generated figures are no prose.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import typer

from vrag.cli.app import app

ROOT = Path(__file__).parent.parent
GENERATED = {"docs/reference/cli.md"}  # of the help texts, which are measured themselves
# Phrases that read as if they were translated, or say nothing; beside each what to write.
BANNED = {
    r"\bcannot be said to\b": "cannot do",
    r"\ban index that lives\b": "an index that is kept up to date",
    r"\bfall of the mean\b": "drop of the mean",
    r"\b(?:is|are) let pass\b|\bto let pass\b|\btold and let pass\b": "allowed, or passes",
    r"\bmust not be fallen behind\b": "to compare with",
    r"\bto the bottom\b": "with sub-folders",
    r"\bwhat is there already\b": "what is already there",
    r"\bas ever\b": "as before",
    r"\bjust so\b": "in the same way",
    r"\bis told at once\b": "is reported at once",
    r"\bwherever links lead\b": "even through links",
    r"\bfor who (?:writes|wants|reads|asks)\b": "for people who, or for you if you",
    r"(?-i:\bWho has it may\b)": "Whoever has it may",
    r"\banew\b": "again",
    r"\bthe fewer .{0,40}\bthe more\b|\bthe more the fewer\b": "two sentences",
    r"\bin what(?:ever)? form\b": "in any form",
    r"\b(?:pipelines|models?|chains?|indexes|commands?) of (?:ours|yours)\b": "our, your",
    r"\bwithout a word\b": "silently",
    r"\bit is said that\b": "say who says it",
    r"\bof whose\b|\bof which (?:pages|documents|files)\b": "two sentences",
    r"\bbut for\b": "except, apart from",
    r"\bso it is with\b": "this holds for",
    r"\bcome what may\b": "drop it",
    r"\butili[sz]e|\bleverag|\bseamless|\bpowerful|\bcutting-edge|\bblazing|\bsimply\b": "say what it does",
}
BE = r"(?:is|are|was|were|be|been|being|gets?|got)"
IRREGULAR = (
    "bound|broken|brought|built|bought|caught|chosen|cut|done|drawn|driven|felt|found|forgotten|given|gone|held|hidden|kept|"
    "known|laid|left|lent|lost|made|meant|met|paid|put|read|rewritten|run|said|seen|sent|set|shown|shut|split|spent|spoilt|"
    "spoken|struck|taken|taught|thrown|told|thought|torn|understood|won|worn|written"
)
PASSIVE = re.compile(rf"\b{BE}\s+(?:\w+ly\s+|not\s+|never\s+|only\s+|also\s+)?(?:\w+ed|{IRREGULAR})\b", re.IGNORECASE)


class Sentence(NamedTuple):
    """A sentence, and where it is from."""

    place: str
    text: str

    @property
    def words(self) -> int:
        """How many it has; a piece of code counts as one."""
        return len(re.findall(r"[\w'’.,%/+-]*\w[\w'’%/+-]*", self.text))

    @property
    def is_passive(self) -> bool:
        """Whether a form of "to be" stands before a participle: an estimate."""
        return bool(PASSIVE.search(self.text))


class Measure(NamedTuple):
    """What is known of many sentences."""

    sentences: int
    words: int
    longest: int
    passive: int

    @classmethod
    def of(cls, sentences: list[Sentence]) -> Measure:
        """Counts them."""
        lengths = [one.words for one in sentences]
        return cls(len(lengths), sum(lengths), max(lengths), sum(one.is_passive for one in sentences))

    @property
    def mean(self) -> float:
        """Words a sentence."""
        return self.words / self.sentences


def markdown_prose(text: str) -> Iterator[str]:
    """The paragraphs and items of a page, each as one line."""
    text = re.sub(r"^(`{3,}|~{3,}).*?^\1\s*$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    block: list[str] = []
    for line in [*text.splitlines(), ""]:
        starts = re.match(r"\s*(?:[-*+]|\d+\.)\s|\s*\||#|!\[|    |$", line)
        if starts and block:
            yield " ".join(block)
            block = []
        is_item = re.match(r"\s*(?:[-*+]|\d+\.)\s", line)
        if line.strip() and (is_item or block or not starts):
            block.append(re.sub(r"^\s*(?:[-*+]|\d+\.)\s+|^\s*>\s?", "", line).strip())


def plain(text: str) -> str:
    """Without marks: links as their words, code as one word."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`+[^`]*`+", "code", text)
    return re.sub(r"[*_]{1,3}(\S[^*_]*)[*_]{1,3}", r"\1", text)


def sentences_of(place: str, prose: Iterator[str]) -> list[Sentence]:
    """Sentences, by their ends; a colon or a semicolon ends none."""
    found = []
    for block in prose:
        for part in re.split(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)[\"”)]*\s+", plain(block)):
            if re.search(r"[A-Za-z]{2}", part):
                found.append(Sentence(place, part.strip()))
    return found


def pages() -> dict[str, str]:
    """README and the pages of docs, by their paths."""
    files = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    found = {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files}
    return {place: text for place, text in found.items() if place not in GENERATED}


def helps() -> dict[str, str]:
    """The help of every command with that of its options, by the command."""
    found: dict[str, str] = {}

    def walk(command: typer.main.click.Command, name: str) -> None:
        texts = [command.help or "", *(getattr(one, "help", None) or "" for one in command.params)]
        found[name] = "\n\n".join(re.sub(r"^Example.*$", "", text, flags=re.MULTILINE) for text in texts if text)
        for other in getattr(command, "commands", {}).values():
            walk(other, f"{name} {other.name}")

    walk(typer.main.get_command(app), "vrag")
    return found


def everything() -> Mapping[str, list[Sentence]]:
    """The sentences of all pages and helps."""
    texts = {**pages(), **{f"{name} --help": text for name, text in helps().items()}}
    return {place: sentences_of(place, markdown_prose(text)) for place, text in texts.items()}


def main() -> None:
    """Prints what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--long", type=int, default=0)
    asked = parser.parse_args()
    found = everything()
    docs = [one for place, many in found.items() if not place.endswith("--help") for one in many]
    others = [one for place, many in found.items() if place.endswith("--help") for one in many]
    rows = [(place, many) for place, many in found.items() if many and not place.endswith("--help")]
    sys.stdout.write(f"{'words a sentence':>16} {'longest':>8} {'passive':>8}  sentences\n")
    for place, many in [*rows, ("all --help", others), ("README, CONTRIBUTING, docs", docs)]:
        seen = Measure.of(many)
        share = 100 * seen.passive / seen.sentences
        sys.stdout.write(f"{seen.mean:16.1f} {seen.longest:8} {share:6.0f} %  {seen.sentences:5}  {place}\n")
    for one in [*docs, *others] if asked.long else []:
        if one.words > asked.long:
            sys.stdout.write(f"{one.place}: {one.words}: {one.text}\n")


if __name__ == "__main__":
    main()
