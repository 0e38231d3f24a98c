"""Hits as people see them: four lines in a terminal at most, one line in a pipe, and nothing of a document obeyed."""

import io
import os
import re

import pytest

from tests.conftest import command
from tests.pdfs import write_pdf
from tests.terminal import Terminal
from vrag.cli import output
from vrag.cli.hits import ShownHit, documents_together, print_hits
from vrag.search.hit import Hit

HOSTILE = "\x1b]0;owned\x07\x1b[31mred\x9b2J\u202efdp.exe [bold]x[/bold]\n 9  forged, page 9\r"
LINK = re.compile("\x1b\\]8;[^;]*;([^\x1b]*)\x1b\\\\")
LONG = "Nothing of it. " * 40 + "Emperor penguins breed on the ice. " + "Nothing either. " * 40


def _hit(rank=1, doc="a.pdf", page=3, path="/nowhere/a.pdf"):
    return Hit(rank, 12.5, doc, path, page, {"full": 12.5}, f"id-{rank}", doc_id=doc)


@pytest.fixture
def console(monkeypatch):
    def make(width=80, **options):
        file = io.StringIO()
        made = {"file": file, "width": width, "force_terminal": True, "color_system": "standard", **options}
        monkeypatch.setattr(output, "stdout", output.SafeConsole(**made))
        return file

    for name in ("NO_COLOR", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return make


def _plain(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", LINK.sub("", text))


@pytest.mark.parametrize("width", [20, 60, 80, 200])
@pytest.mark.parametrize("title", ["a.pdf", "The annual report", "T" * 300])
@pytest.mark.parametrize("doc", ["a.pdf", "n" * 250 + ".pdf"])
def test_a_hit_is_four_lines_at_most_none_too_long_and_shows_what_matched(console, width, title, doc):
    file = console(width)
    print_hits([ShownHit(_hit(doc=doc), doc if title == "a.pdf" else title, LONG)], "emperor penguin")
    lines = _plain(file.getvalue()).splitlines()
    assert 1 < len(lines) <= 4
    assert max(map(len, lines)) <= width
    assert "page 3" in " ".join(lines)
    assert "\x1b[1mpenguins\x1b[0m" in file.getvalue()
    assert file.getvalue().count("…") >= 1
    if width >= 60:
        assert "12.500" in " ".join(lines)


def test_the_title_stands_before_the_name_and_a_document_without_one_has_its_name_once(console):
    file = console()
    print_hits([ShownHit(_hit(1), "Penguins", "x"), ShownHit(_hit(12, "b.pdf"), "b.pdf", "y")], "q")
    assert _plain(file.getvalue()).splitlines() == [
        " 1  Penguins, page 3  a.pdf  12.500",
        "    x",
        "12  b.pdf, page 3  12.500",
        "    y",
    ]


def test_a_page_without_words_has_no_text(console):
    file = console()
    print_hits([ShownHit(_hit(), "a.pdf", "")], "q")
    assert _plain(file.getvalue()) == "1  a.pdf, page 3  12.500\n"


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("grouped", [True, False])
def test_nothing_of_a_document_reaches_the_terminal_as_a_command(console, terminal, grouped):
    file = console(force_terminal=terminal, color_system="standard" if terminal else None)
    print_hits([ShownHit(_hit(doc=HOSTILE), HOSTILE, HOSTILE, why=HOSTILE)], HOSTILE, grouped)
    text = file.getvalue()
    assert not set("\x07\x9b\u202e\r") & set(text)
    assert "\x1b]0" not in text
    assert "\x1b[31m" not in text
    assert "[bold]x[/bold]" in text
    assert not any(line.startswith(" 9  forged") for line in text.splitlines())


def test_a_link_leads_to_the_page_of_a_pdf_and_names_nothing_that_is_obeyed(console, tmp_path):
    files = [tmp_path / "a b\x1b]8;;x\x07#?.pdf", tmp_path / "a.docx"]
    for path in files:
        path.write_text("")
    file = console()
    print_hits([ShownHit(_hit(n, path=str(p), page=n), "t", "") for n, p in enumerate([*files, "gone.pdf"], 1)], "q")
    links = [link for link in LINK.findall(file.getvalue()) if link]
    assert links == [f"{files[0].as_uri()}#page=1", files[1].as_uri()]
    assert all(re.fullmatch(r"file:///[\w/.%#=-]+", link) for link in links)


@pytest.mark.parametrize(
    ("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb"), ("TERM", "linux"), ("SSH_CONNECTION", "1 2 3 4")]
)
def test_there_is_no_link_where_it_would_be_rubbish_or_lead_elsewhere(console, monkeypatch, tmp_path, variable, value):
    path = tmp_path / "a.pdf"
    path.write_text("")
    monkeypatch.setenv(variable, value)
    file = console()
    print_hits([ShownHit(_hit(path=str(path)), "t", "text")], "q")
    assert "]8;" not in file.getvalue()
    assert "t, page 3" in _plain(file.getvalue())


def test_a_pipe_gets_a_line_a_hit_with_everything_and_no_styles(console, tmp_path):
    path = tmp_path / "a.pdf"
    path.write_text("")
    file = console(40, force_terminal=False, color_system=None)
    hits = [ShownHit(_hit(1, path=str(path)), "Penguins", LONG, "why"), ShownHit(_hit(2, "b.pdf"), "b.pdf", "y")]
    print_hits(hits, "emperor penguin")
    head, *lines = file.getvalue().splitlines()
    assert head.split() == ["#", "score", "doc", "page", "title", "matched", "text"]
    assert [line.split()[:4] for line in lines] == [["1", "12.500", "a.pdf", "3"], ["2", "12.500", "b.pdf", "3"]]
    assert lines[0].endswith(f"Penguins  why      {LONG.rstrip()}")
    assert "\x1b" not in file.getvalue()


def test_hits_of_a_document_stand_together_under_its_title(console):
    hits = [_hit(1, "a.pdf", 1), _hit(2, "b.pdf", 1), _hit(3, "a.pdf", 7)]
    together = documents_together(hits)
    assert [hit.rank for hit in together] == [1, 3, 2]
    file = console()
    print_hits([ShownHit(hit, "Penguins" if hit.doc == "a.pdf" else hit.doc, "x") for hit in together], "q", True)
    assert _plain(file.getvalue()).splitlines() == [
        "Penguins  a.pdf  2 hits",
        "1  page 1  12.500",
        "   x",
        "3  page 7  12.500",
        "   x",
        "b.pdf  1 hit",
        "2  page 1  12.500",
        "   x",
    ]


@pytest.fixture(scope="module")
def titled(tmp_path_factory):
    from vrag import Index
    from vrag.ingest.ingest_options import IngestOptions
    from vrag.ingest.metadata_files import given

    folder = tmp_path_factory.mktemp("titled")
    write_pdf(folder / "a.pdf", ["Emperor penguins breed on the ice.", "Bees dance for nectar."])
    write_pdf(folder / "b.pdf", ["Penguins feed on krill."])
    with Index.create(folder / "i") as index:
        options = IngestOptions(given=given(["title=Of \x1b]0;birds\x07 and bees"], None))
        index.ingest([folder / "a.pdf"], options=options)
        index.ingest([folder / "b.pdf"])
    return folder / "i"


def test_a_person_sees_titles_links_and_marks_and_a_pipe_does_not(cli, titled, tmp_path):
    asked = ("search", "penguins", "--index", str(titled))
    environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "SSH_CONNECTION")}
    with Terminal(command(*asked), environment, tmp_path, columns=80) as terminal:
        assert terminal.code(120) == 0
        styled = terminal.styled
    assert f"{(titled.parent / 'a.pdf').as_uri()}#page=1" in LINK.findall(styled)
    assert "\x1b[1mpenguins\x1b[0m" in styled.lower()
    assert "\x1b]0" not in styled
    assert "birds" in styled
    done = cli(*asked, env={"COLUMNS": "40"})
    assert "\x1b" not in done.out
    assert len(done.out.splitlines()) == 4
    assert {line.split()[2] for line in done.out.splitlines()[1:]} == {"a.pdf", "b.pdf"}


def test_hits_are_grouped_on_demand_for_people_and_programs(cli, titled):
    asked = ("search", "penguins", "--index", titled, "--by-document")
    docs = [hit["doc"] for hit in cli(*asked, "--json").json["hits"]]
    assert docs in (["a.pdf", "a.pdf", "b.pdf"], ["b.pdf", "a.pdf", "a.pdf"])
    assert [line.split()[2] for line in cli(*asked).out.splitlines()[1:]] == docs
