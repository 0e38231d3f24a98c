"""Languages through the command line: chosen at ingest, shown, and said where they do not fit."""

import pytest

from tests.pdfs import write_pdf

GERMAN = [
    "Die Fähre nach Storvik legt um halb zwölf in der Nacht ab und die Rückfahrt ist am Morgen.",
    "Der Ölfilter der Maschine wird nach 500 Stunden gewechselt und die Düsen sind zu prüfen.",
]
QUESTION = "Wann geht die letzte Fähre und wer ist an Bord?"


@pytest.fixture
def papers(tmp_path):
    write_pdf(tmp_path / "akten" / "faehre.pdf", GERMAN)
    return tmp_path


def test_pages_in_another_language_than_the_index_are_said_and_so_is_a_question(cli, papers):
    made = cli("ingest", "akten", "--index", "i", "--workers", 1)
    assert "in English" in made.err
    assert "2 pages of 2 added seem to be German; this index is made for English." in made.err
    asked = cli("search", QUESTION, "--index", "i")
    assert "seems to be in German" in asked.err
    assert "seems to be" not in cli("search", "ferry to Storvik", "--index", "i").err


def test_a_language_has_the_multilingual_model_and_its_own_words(cli, papers):
    made = cli("ingest", "akten", "--index", "i", "--workers", 1, "--language", "de")
    assert "seem to be" not in made.err
    info = cli("info", "--index", "i", "--json").json
    assert (info["model"], info["pipeline"], info["language"]) == ("multilingual", "multilingual", "german")
    assert "language         german" in cli("info", "--index", "i").out
    found = cli("search", "At what time does the last boat leave?", "--index", "i", "--json").json
    assert [hit["page"] for hit in found["hits"]][:1] == [1]
    assert all(hit["relevance"] is None for hit in found["hits"])  # its words are on no page in German
    assert "seems to be" not in cli("search", QUESTION, "--index", "i").err
    other = cli("ingest", "akten", "--index", "i", "--language", "french")
    assert other.code != 0
    assert "german" in other.err
    assert "french" in other.err


def test_an_unknown_language_is_refused_before_anything_is_made(cli, papers):
    refused = cli("ingest", "akten", "--index", "i", "--language", "klingon")
    assert refused.code == 2
    assert "No language 'klingon' is known." in refused.err
    assert not (papers / "i").exists()
