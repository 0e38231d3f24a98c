"""The scripted assistant of `eval/assistant.py`, which answers by the tools alone."""

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "eval" / "assistant.py"
QUESTIONS = {"Where does the snow leopard live?": 1, "How do honey bees tell where nectar is?": 3}


def test_it_cites_the_labelled_pages(own, tmp_path):
    rows = {"corpus.jsonl": [], "queries.jsonl": [], "qrels.jsonl": []}
    for number, (question, page) in enumerate(QUESTIONS.items()):
        rows["corpus.jsonl"].append({"corpus-id": number, "doc": "animals.pdf", "page": page})
        rows["queries.jsonl"].append({"query-id": number, "query": question})
        rows["qrels.jsonl"].append({"query-id": number, "corpus-id": number, "score": 1})
    for name, lines in rows.items():
        (tmp_path / name).write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    done = subprocess.run([sys.executable, PROGRAM, tmp_path, own, "--least", "1"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "2 of 2 questions: a labelled page is cited; 2: it is the first one." in done.stdout
