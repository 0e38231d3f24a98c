"""Every text option of every command with hostile values; `python -m tests.soak.texts SECONDS` does it for long."""

import re
from pathlib import Path

import pytest

import vrag.cli
from tests.soak.texts import NASTY, Trials, options

# An option gets one value, the next option the next one, so that every value has its turn.


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    return Trials(tmp_path_factory.mktemp("texts"))


def test_the_walk_finds_options_and_operands():
    found = {(option.command, option.flag) for option in options()}
    assert {
        ("search", "--where"),
        ("search", ""),
        ("ingest", "--max-memory"),
        ("eval compare", ""),
        ("eval", "--out"),
    } <= found
    assert len(found) > 150
    assert len(found) > len(NASTY)


FLOATS = {
    "--wait",
    "--timeout",
    "--interval",
    "--keep",
    "--max-drop",
    "--alpha",
    "--node-memory",
    "--node-disk",
    "--seconds",
}


@pytest.mark.parametrize("value", ["nan", "inf", "1e300"])
def test_every_decimal_number_is_finite_and_has_a_most(trials, value):
    asked = [option for option in options() if option.flag in FLOATS]
    assert {option.flag for option in asked} == FLOATS
    for option in {option.flag: option for option in asked}.values():
        before = trials.verdict.codes.get(2, 0)
        trials.run(option, value)
        assert trials.verdict.codes.get(2, 0) == before + 1, (option, value)
    for file in Path(vrag.cli.__file__).parent.glob("*.py"):
        declared = re.findall(r"Annotated\[\s*float\b.*?\)", file.read_text(), re.DOTALL)
        assert all("max=" in one and "callback=finite" in one for one in declared), file


@pytest.mark.parametrize("command", sorted({option.command for option in options()}))
def test_hostile_texts_end_in_a_sentence(trials, command):
    for number, option in enumerate(options()):
        if option.command == command:
            trials.run(option, NASTY[number % len(NASTY)])
    strange, trials.verdict.strange = trials.verdict.strange, []
    assert strange == []
