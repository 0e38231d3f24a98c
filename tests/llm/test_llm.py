"""Which model is asked, and that its key goes to nobody else."""

from dataclasses import replace

import pytest

from vrag import Llm
from vrag.errors import UsageError
from vrag.llm.llm import KEY_ENV, MODEL_ENV, URL_ENV, llm_from


@pytest.fixture(autouse=True)
def _bare(monkeypatch):
    for name in (URL_ENV, MODEL_ENV, KEY_ENV):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("http://localhost:11434", "http://localhost:11434/v1"),
        ("http://localhost:11434/", "http://localhost:11434/v1"),
        ("http://localhost:11434/v1/", "http://localhost:11434/v1"),
        (" http://127.0.0.1:8000/v1/chat/completions ", "http://127.0.0.1:8000/v1"),
        ("https://models.example/api/v2", "https://models.example/api/v2"),
        ("http://[::1]:80", "http://[::1]:80/v1"),
    ],
)
def test_an_address_is_taken_as_people_write_it(given, taken):
    assert Llm(given).url == taken


@pytest.mark.parametrize(
    "url",
    ["", "me:secret@x", "ftp://me:secret@x/v1", "http://me:secret@x:99999", "htp://x?key=secret",
     "localhost:11434", "ftp://x/v1", "http://", "http://x:99999", "http://a b/", "http://x\n/", "http://é/",
     "http://user:secret@x/v1", "http://x/v1?key=secret", "http://x/#secret"],
)  # fmt: skip
def test_what_is_no_address_is_said_without_what_may_be_secret(url):
    with pytest.raises(UsageError) as raised:
        Llm(url)
    assert "secret" not in str(raised.value)


def test_other_mistakes_are_said_too():
    for wrong in (
        {"model": ""},
        {"model": "\udcff"},
        {"model": "a\x1bb"},
        {"model": "m" * 301},
        {"sees": "sounds"},
        {"timeout_s": 0},
        {"timeout_s": float("nan")},
        {"key": "a\nb"},
    ):
        with pytest.raises(UsageError):
            Llm("http://x", **wrong)


def test_the_key_is_never_shown():
    llm = Llm("http://x", "m", "sk-secret")
    assert "sk-secret" not in repr(llm) + str(llm) + repr(replace(llm, sees="text"))


def test_what_is_not_given_comes_from_the_environment(monkeypatch):
    assert llm_from() is None
    assert llm_from("http://x") == Llm("http://x/v1")
    monkeypatch.setenv(KEY_ENV, "k")
    assert llm_from("http://x").key == "k"
    monkeypatch.setenv(URL_ENV, "http://x/v1/")
    monkeypatch.setenv(MODEL_ENV, "m")
    assert llm_from(sees="text") == Llm("http://x/v1", "m", "k", "text")
    assert llm_from("http://x", "n") == Llm("http://x/v1", "n", "k")


def test_the_key_of_one_address_is_not_sent_to_another(monkeypatch):
    for name, value in ((URL_ENV, "https://hosted.example/v1"), (MODEL_ENV, "large"), (KEY_ENV, "k")):
        monkeypatch.setenv(name, value)
    other = llm_from("http://localhost:11434")
    assert (other.model, other.key) == (None, None)
