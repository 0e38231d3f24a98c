"""Every example of docs/how-to/frameworks.md runs as it stands there, with the frameworks' own fake models."""

import re
from pathlib import Path

import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from llama_index.core.llms import MockLLM

TEXT = (Path(__file__).parents[2] / "docs" / "how-to" / "frameworks.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
SAID = ["After 500 hours.", "After 500 hours.", "machines.pdf, page 1:\nReplace the oil", "machines.pdf 1 "]


def test_there_are_these_examples():
    assert len(EXAMPLES) == len(SAID)


@pytest.mark.parametrize(("example", "said"), [*zip(EXAMPLES, SAID, strict=False)])
def test_the_example_runs(example, said, indexed, tmp_path, monkeypatch, capsys):
    (tmp_path / "my-index").symlink_to(indexed)
    monkeypatch.chdir(tmp_path)
    exec(example, {"model": FakeListChatModel(responses=["After 500 hours."]), "llm": MockLLM()})  # noqa: S102
    assert capsys.readouterr().out.startswith(said)
