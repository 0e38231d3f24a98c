"""Which index is meant, and which passwords are tried."""

import pytest

from vrag.errors import UsageError
from vrag.settings import INDEX_FILE, data_dir, find_index, index_for_writing, is_index, passwords


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch):
    for name in ("VRAG_INDEX", "VRAG_PASSWORD", "VRAG_PASSWORDS"):
        monkeypatch.delenv(name, raising=False)


def an_index(folder):
    folder.mkdir(parents=True)
    (folder / INDEX_FILE).write_text("{}")
    return folder


def test_an_index_is_a_folder_with_the_file_of_its_facts(tmp_path):
    assert is_index(an_index(tmp_path / "i"))
    assert not is_index(tmp_path)
    assert not is_index(tmp_path / "missing")
    (tmp_path / "odd" / INDEX_FILE).mkdir(parents=True)
    assert not is_index(tmp_path / "odd")


def test_who_names_an_index_gets_that_one(tmp_path, monkeypatch):
    named, set_, near = (an_index(tmp_path / name) for name in ("named", "set", "here/.vrag"))
    monkeypatch.chdir(near.parent)
    assert find_index() == near
    monkeypatch.setenv("VRAG_INDEX", str(set_))
    assert find_index() == set_
    assert find_index(named) == named


def test_the_nearest_index_upward_is_found(tmp_path, monkeypatch):
    outer, inner = an_index(tmp_path / ".vrag"), an_index(tmp_path / "a" / "b" / ".vrag")
    (tmp_path / "a" / "b" / "c").mkdir()
    monkeypatch.chdir(tmp_path / "a" / "b" / "c")
    assert find_index() == inner
    monkeypatch.chdir(tmp_path / "a")
    assert find_index() == outer


def test_a_folder_of_that_name_which_is_no_index_does_not_hide_one_further_up(tmp_path, monkeypatch):
    outer = an_index(tmp_path / ".vrag")
    (tmp_path / "a" / ".vrag").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a")
    assert find_index() == outer


@pytest.mark.parametrize("way", ["named", "set"])
def test_an_index_that_is_named_and_not_there_is_not_looked_for_elsewhere(tmp_path, monkeypatch, way):
    an_index(tmp_path / ".vrag")
    monkeypatch.chdir(tmp_path)
    missing = tmp_path / "missing"
    if way == "set":
        monkeypatch.setenv("VRAG_INDEX", str(missing))
    with pytest.raises(UsageError, match="No index at .*missing") as caught:
        find_index(missing if way == "named" else None)
    assert f"vrag ingest FOLDER --index {missing}" in caught.value.hint


def test_without_any_index_both_ways_out_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"No index \.vrag/ in .* or above\.") as caught:
        find_index()
    assert "vrag ingest FOLDER" in caught.value.hint
    assert "--index DIR" in caught.value.hint


def test_an_ingest_goes_on_with_the_nearest_index_or_begins_one_here(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    assert index_for_writing() == tmp_path / "a" / ".vrag"
    outer = an_index(tmp_path / ".vrag")
    assert index_for_writing() == outer
    assert index_for_writing(tmp_path / "new") == tmp_path / "new"
    monkeypatch.setenv("VRAG_INDEX", str(tmp_path / "set"))
    assert index_for_writing() == tmp_path / "set"
    monkeypatch.setenv("VRAG_INDEX", "")  # as if it were not set
    assert index_for_writing() == outer


@pytest.mark.parametrize(
    ("given", "one", "several", "tried"),
    [
        ((), None, None, ()),
        (("a", "b"), "c", "d\ne\n", ("a", "b", "c", "d", "e")),
        (("a",), "a", "b\na", ("a", "b")),
        (("", "a"), "", "\n\nb\r\n", ("a", "b")),
        ((), " with spaces ", "x y", (" with spaces ", "x y")),
    ],
)
def test_passwords_are_tried_in_order_and_once(monkeypatch, given, one, several, tried):
    for name, value in (("VRAG_PASSWORD", one), ("VRAG_PASSWORDS", several)):
        if value is not None:
            monkeypatch.setenv(name, value)
    assert passwords(given) == tried


def test_what_is_shipped_is_found_in_a_checkout_and_in_a_wheel(tmp_path, monkeypatch):
    assert (data_dir("pipelines") / "builtin.toml").is_file()
    (tmp_path / "vrag" / "data" / "pipelines").mkdir(parents=True)
    monkeypatch.setattr("vrag.settings.__file__", str(tmp_path / "vrag" / "settings.py"))
    assert data_dir("pipelines") == tmp_path / "vrag" / "data" / "pipelines"
    assert data_dir("eval/suites") == tmp_path / "eval" / "suites"
