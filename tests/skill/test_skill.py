"""The skill says what is true: every command in it runs, and every field that it names is there."""

import re
import shlex
import subprocess

import pytest
import yaml

from tests.pdfs import write_pdf
from vrag import Index
from vrag.skill.installing import FILES, NAME

SKILL = (FILES / "SKILL.md").read_text(encoding="utf-8")
EXAMPLES = (FILES / "examples.md").read_text(encoding="utf-8")
LINES = [line for block in re.findall(r"```sh\n(.*?)```", SKILL + EXAMPLES, re.DOTALL) for line in block.splitlines()]
TABLES = re.findall(r"\| field of `vrag (\w+) --json` \|.*?\n((?:\|.*\n)+)", SKILL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where an assistant works: a folder with an index of a report and of a letter."""
    folder = tmp_path_factory.mktemp("work")
    pages = [
        "Annual report\nFreight revenue came to 4.2 million in 2025.",
        "Freight by region: most of it from the north.",
    ]
    write_pdf(folder / "pdfs" / "report.pdf", pages)
    write_pdf(folder / "pdfs" / "letter.pdf", ["Dear passengers,\nthe ferry is late."])
    with Index.create(folder / ".vrag") as index:
        index.ingest([folder / "pdfs"])
    return folder


def test_all_commands_are_found():
    assert len(LINES) == 14
    assert {shlex.split(line)[1] for line in LINES if line.startswith("vrag ")} == {
        *("search", "ask", "ls", "info", "explain")
    }
    assert [command for command, _ in TABLES] == ["search", "ask"]


def test_every_command_runs_and_answers_in_json(cli, folder):
    for line in LINES:
        if not line.startswith("vrag "):
            subprocess.run(["sh", "-c", line], cwd=folder, check=True)
            continue
        done = cli(*shlex.split(line)[1:], cwd=folder)
        assert done.code == 0, (line, done.err)
        for answer in done.lines:
            assert "error" not in answer
            if "hits" in answer:
                assert bool(answer["hits"]) != ("harbour dues" in line), line
    (saved,) = re.findall(r"writes `(\S+)` and so on", SKILL)
    assert (folder / saved).is_file()


@pytest.mark.parametrize(("command", "table"), TABLES)
def test_every_field_that_it_names_is_there(cli, folder, command, table):
    fields = re.findall(r"`([a-z]+(?:\[\]\.\w+)?)`(?=.*\|.*\|)", table)
    line = next(line for line in LINES if line.startswith(f"vrag {command} "))
    answer = cli(*shlex.split(line)[1:], cwd=folder).json
    assert len(fields) >= 5
    for field in fields:
        whole, _, part = field.partition("[].")
        assert whole in answer, field
        assert not part or (answer[whole] and all(part in row for row in answer[whole])), field


def test_errors_are_as_it_says(cli, folder):
    for line, code in (("search bees --index nowhere --json", 2), ("search bees -k 0 --json", 2)):
        done = cli(*line.split(), cwd=folder)
        assert done.code == code
        assert set(done.json) == {"error", "hint"}


def test_it_is_a_skill_as_programs_read_them_and_short():
    head, body = SKILL.removeprefix("---\n").split("\n---\n", 1)
    facts = yaml.safe_load(head)
    assert facts["name"] == NAME
    assert 50 < len(facts["description"]) <= 1024
    assert len(body.split()) < 700
    assert set(re.findall(r"\]\((\S+?)\)", body)) == {"examples.md"}
