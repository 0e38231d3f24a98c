"""`vrag doctor`: what is there, how an index is, and a block for a bug report that tells no secrets."""

import getpass
from pathlib import Path

import pytest

from tests.conftest import copy_index
from vrag.settings import INDEX_FILE

SECRETS = {
    "QDRANT_API_KEY": "planted-qdrant-key",
    "VRAG_TOKEN": "planted-token",
    "VRAG_LLM_KEY": "planted-llm-key",
    "VRAG_PASSWORDS": "planted-first\nplanted-second",
    "HF_TOKEN": "planted-hub-token",
    "MY_SECRET": "planted-folder",
    "VRAG_LLM_URL": "http://models.example:8080/v1?user=planted-query#planted-fragment",
    "QDRANT_URL": "https://planted-user:planted-word@qdrant.example:6333/a/path?token=planted-query",
    "VRAG_OCR_MODELS": "/home/planted-person/models",
    "VRAG_CROSS_ENCODER": "/Users/planted-person/planted-folder",
}


def checks(done):
    return {check["name"]: check for check in done.json["checks"]}


def test_a_report_has_no_secrets(cli, indexed, tmp_path):
    env = {**SECRETS, "HOME": str(tmp_path / "planted-home"), "VRAG_MINILM": str(tmp_path / "planted-home" / "x")}
    for more in ((), ("--json",)):
        done = cli("doctor", "--report", *more, "--index", indexed, env=env)
        assert done.code == 1  # the weights are not where VRAG_MINILM says
        assert "planted" not in done.out + done.err
        assert "qdrant.example:6333/a/path" in done.out
        assert "~/x" in done.out.replace("\\\\", "\\")
        assert "VRAG_TOKEN" in done.out  # that it is set, not to what
    plain = cli("doctor", env=env)
    assert "planted" in plain.out  # so that the first half can fail


def test_the_name_of_a_user_is_left_out_of_paths(cli, monkeypatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "planted")
    done = cli("doctor", "--report", env={"VRAG_OCR_MODELS": "/media/planted/models"})
    assert "/media/.../models" in done.out


def test_a_report_says_what_one_would_ask_for(cli):
    done = cli("doctor", "--report")
    assert done.code == 0
    lines = done.out.splitlines()
    assert (lines[0], lines[-1]) == ("```", "```")
    assert lines[1].startswith("vrag 0.")
    assert "Python 3." in lines[1]
    assert "qdrant-edge-py" in done.out
    assert any(line.startswith("ok      kernels: ") for line in lines)


def test_where_weights_are_from_and_what_ocr_reads_is_told(cli, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "arabic_PP-OCRv4_rec_infer.onnx").touch()
    found = checks(cli("doctor", "--json", env={"VRAG_OCR_MODELS": str(tmp_path / "models")}))
    assert "sentence-transformers/all-MiniLM-L6-v2 in 8 bits, Apache-2.0" in found["built-in weights"]["found"]
    assert "intfloat/multilingual-e5-small in 4 bits, MIT" in found["multilingual weights"]["found"]
    assert found["OCR languages"]["ok"]
    assert "arabic_PP-OCRv4_rec_infer.onnx" in found["OCR languages"]["found"]
    (tmp_path / "models" / "arabic_PP-OCRv4_rec_infer.onnx").unlink()
    found = checks(cli("doctor", "--json", env={"VRAG_OCR_MODELS": str(tmp_path / "models")}))
    assert not found["OCR languages"]["ok"]


def test_how_an_index_is(cli, indexed):
    found = checks(cli("doctor", "--json", "--index", indexed))["index"]
    assert (found["ok"], found["needed"]) == (True, True)
    assert f"{indexed}: 2 documents, 5 pages, pipeline builtin, model builtin, cascade best" in found["found"]
    assert "index" not in checks(cli("doctor", "--json"))


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_an_index_that_cannot_be_opened_is_a_finding(cli, indexed, tmp_path, damage):
    place = tmp_path / "i"
    if damage == "damaged":
        copy_index(indexed, place)
        (Path(place) / INDEX_FILE).write_text("{")
    done = cli("doctor", "--json", "--index", place)
    assert done.code == 1
    assert not checks(done)["index"]["ok"]
    assert checks(done)["index"]["found"]


def test_a_server_that_does_not_answer_is_a_finding(cli):
    done = cli("doctor", "--json", "--url", "http://127.0.0.1:9", "--timeout", 2)
    assert done.code == 1
    assert "127.0.0.1:9" in checks(done)["index"]["found"]
