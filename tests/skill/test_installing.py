"""`vrag skill install`: the files come where they belong, and nothing of somebody else's goes."""

import pytest

from vrag.skill.installing import FILES

NAMES = sorted(file.name for file in FILES.iterdir())


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home" / ".claude").mkdir(parents=True)
    return tmp_path / "home"


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def test_it_is_put_where_the_programs_of_this_user_look(cli, home):
    done = cli("skill", "install", "--json", env={"HOME": str(home)})
    folders = [home / ".agents" / "skills" / "vrag", home / ".claude" / "skills" / "vrag"]
    assert done.json == {"installed": [{"path": str(folder), "state": "installed"} for folder in folders]}
    for folder in folders:
        assert names(folder) == NAMES
        assert (folder / "SKILL.md").read_bytes() == (FILES / "SKILL.md").read_bytes()


def test_a_program_that_is_not_there_gets_no_folder(cli, home):
    (home / ".claude").rmdir()
    assert cli("skill", "install", env={"HOME": str(home)}).out == f"{home}/.agents/skills/vrag: installed\n"
    assert names(home) == [".agents"]


def test_once_more_changes_nothing(cli, tmp_path):
    first, second = (cli("skill", "install", "--path", "skills", "--json") for _ in range(2))
    assert [done.json["installed"][0]["state"] for done in (first, second)] == ["installed", "unchanged"]
    assert names(tmp_path / "skills" / "vrag") == NAMES


def test_a_file_that_was_lost_comes_back(cli, tmp_path):
    cli("skill", "install", "--path", "skills")
    (tmp_path / "skills" / "vrag" / "examples.md").unlink()
    assert cli("skill", "install", "--path", "skills", "--json").json["installed"][0]["state"] == "installed"
    assert names(tmp_path / "skills" / "vrag") == NAMES


def test_what_differs_is_replaced_by_force_alone_and_other_files_stay(cli, tmp_path):
    mine = tmp_path / "skills" / "vrag"
    mine.mkdir(parents=True)
    (mine / "SKILL.md").write_text("mine")
    (mine / "notes.txt").write_text("mine too")
    done = cli("skill", "install", "--path", "skills", "--json")
    assert done.code == 2
    assert done.json == {
        "error": "Another skill, or another version of this one, is in skills/vrag.",
        "hint": "Look at it; --force replaces it.",
    }
    assert (mine / "SKILL.md").read_text() == "mine"
    assert names(mine) == ["SKILL.md", "notes.txt"]
    done = cli("skill", "install", "--path", "skills", "--force", "--json")
    assert done.json["installed"][0]["state"] == "replaced"
    assert names(mine) == sorted([*NAMES, "notes.txt"])
    assert (mine / "SKILL.md").read_bytes() == (FILES / "SKILL.md").read_bytes()


def test_where_one_of_two_folders_has_another_neither_is_written(cli, home):
    (home / ".claude" / "skills" / "vrag").mkdir(parents=True)
    (home / ".claude" / "skills" / "vrag" / "SKILL.md").write_text("mine")
    assert cli("skill", "install", env={"HOME": str(home)}).code == 2
    assert not (home / ".agents").exists()


def test_a_file_in_the_way_is_named(cli, tmp_path):
    (tmp_path / "skills").write_text("no folder")
    done = cli("skill", "install", "--path", "skills")
    assert done.code == 1
    assert "skills" in done.err
