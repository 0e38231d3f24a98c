"""What a newcomer types first: `make demo` in a clean copy of the repository."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The files git knows, as they are now, in an empty folder."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout: clone the repository to run this test")
    folder = tmp_path_factory.mktemp("clone")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def test_make_demo_shows_the_right_pages(clone):
    done = subprocess.run(
        ["make", "--no-print-directory", "demo"], cwd=clone, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    questions = [json.loads(line) for line in (clone / "eval/samples/questions.jsonl").read_text().splitlines()]
    shown = {row["query"]: row for row in questions if row["query"] in done.stdout}
    assert len(shown) == 2
    for query, row in shown.items():
        first = next(line for line in done.stdout.split(query)[-1].splitlines() if line.strip().startswith("1 "))
        assert row["doc"] in first
        assert f" {row['page']} " in first
    assert "vrag ingest ~/Documents" in done.stdout
    # Not the last one exactly: inside another make, make says goodbye.
    assert any(line.endswith("vrag serve --open") for line in done.stdout.splitlines()[-2:])


def test_after_the_demo_the_index_is_found_without_a_word(clone):
    found = subprocess.run(
        [".venv/bin/vrag", "info", "--json"], cwd=clone, capture_output=True, text=True, check=True, timeout=60
    )
    facts = json.loads(found.stdout)
    assert 15 <= facts["pages"] <= 40
    assert all(document["complete"] for document in facts["documents"])
