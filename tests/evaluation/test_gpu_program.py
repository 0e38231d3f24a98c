"""The program that measures a GPU, where there is none; with torch it is tried in tests/embedders/colpali."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

EVAL = Path(__file__).parents[2] / "eval"
sys.path.insert(0, str(EVAL))

from card_busy import Busy, by_nvidia_smi  # noqa: E402

CARD = "GPU-0123"


def test_without_a_gpu_it_says_so_in_a_line():
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, str(EVAL / "gpu.py")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("skipped: ")
    assert len(done.stdout.splitlines()) == 1


def test_the_share_is_the_mean_of_what_was_seen_and_a_look_that_fails_is_none(monkeypatch):
    monkeypatch.setattr("card_busy.EVERY_S", 0.001)
    looks, seen_all = iter([100.0, ValueError("no answer"), 40.0]), threading.Event()

    def look():
        found = next(looks, None)
        if found is None:
            seen_all.set()
            raise RuntimeError("gone")
        if isinstance(found, Exception):
            raise found
        return found

    with Busy(look) as busy:
        assert seen_all.wait(60)
    assert busy.share == 0.7


def test_nobody_to_ask_is_no_share():
    with Busy(None) as busy:
        pass
    assert busy.share is None


@pytest.mark.parametrize(("answer", "percent"), [("37", 37.0), ("[N/A]", None)])
def test_nvidia_smi_is_asked_for_one_card(tmp_path, monkeypatch, answer, percent):
    program = tmp_path / "nvidia-smi"
    program.write_text(f'#!/bin/sh\n[ "$1" = "--id={CARD}" ] && echo "{answer}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    if percent is None:
        with pytest.raises(ValueError, match="N/A"):
            by_nvidia_smi(CARD)
    else:
        assert by_nvidia_smi(CARD) == percent
