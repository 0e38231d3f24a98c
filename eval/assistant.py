"""A scripted assistant answers questions by the tools of `vrag mcp` alone: which page does it cite?

    python eval/assistant.py DATA INDEX                   # ten questions, evenly over the benchmark
    python eval/assistant.py DATA INDEX --questions 120   # all of them

DATA is a benchmark folder with `corpus.jsonl`, `queries.jsonl` and `qrels.jsonl`, INDEX a copy of an index of its
documents. The official client starts `vrag mcp` and speaks with it over pipes. The policy is fixed, knows no answers or
labels, and uses no model: search everywhere, search again in the document of the best page, read what was found, look
at the picture where the words are poor, and cite up to three pages: those that were found high and have most words of
the question. It shows that the tools suffice; a model that reads does better. It fails when fewer than `--least` of the
questions have a labelled page among those cited.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from PIL import Image

CITED = 3
FOUND, FOUND_INSIDE = 8, 5
WORDS = re.compile(r"\w{3,}")
WIDTH = 800


@dataclass
class Page:
    """A page that the assistant has found: what it thinks of it."""

    id: str
    standing: float = 0.0
    has: float = 0.0
    looked: bool = False

    @property
    def worth(self) -> float:
        """The higher, the sooner it is cited."""
        return self.standing + self.has


@dataclass
class Cost:
    """What the answers took."""

    calls: int = 0
    letters: int = 0
    pictures: int = 0
    seconds: list[float] = field(default_factory=list)


class Assistant:
    """Asks tools, by a fixed policy.

    Args:
        client: Connected to a server.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.cost = Cost()

    async def answer(self, question: str) -> list[Page]:
        """The pages that it cites, the most certain first."""
        begun = time.perf_counter()
        found = await self._search(question, FOUND)
        document = found[0].rpartition("#")[0]
        inside = await self._search(question, FOUND_INSIDE, [f'doc="{document}"'])
        pages = {name: Page(name) for name in [*found, *inside]}
        for ranking in (found, inside):
            for rank, name in enumerate(ranking):
                pages[name].standing += 1 / (1 + rank)
        for page in pages.values():
            await self._read(page, question)
        self.cost.seconds.append(time.perf_counter() - begun)
        return sorted(pages.values(), key=lambda page: -page.worth)[:CITED]

    async def _search(self, question: str, k: int, where: list[str] | None = None) -> list[str]:
        answer = await self._call("search", query=question, k=k, where=where or [])
        return [row["id"] for row in answer["results"]]

    async def _read(self, page: Page, question: str) -> None:
        answer = await self._call("fetch", id=page.id)
        wanted = {word.casefold() for word in WORDS.findall(question)}
        words = {word.casefold() for word in WORDS.findall(answer["text"])}
        page.has = len(wanted & words) / max(1, len(wanted))
        if "show_page" in answer.get("note", ""):
            await self._call("show_page", ids=[page.id], width=WIDTH, query=question)
            page.looked = True

    async def _call(self, tool: str, **arguments: object) -> dict:
        result = await self._client.call_tool(tool, arguments)
        if result.is_error:
            raise SystemExit(f"{tool}: {result.content[0].text}")
        self.cost.calls += 1
        for block in result.content:
            if block.type == "image":
                Image.open(io.BytesIO(base64.b64decode(block.data))).load()
                self.cost.pictures += 1
            else:
                self.cost.letters += len(block.text)
        return result.structured_content


def read_questions(data: Path, wanted: int) -> list[tuple[str, set[str]]]:
    """Questions, evenly over the benchmark, with the ids of the pages that answer them."""

    def rows(name: str) -> list[dict]:
        return [json.loads(line) for line in (data / name).read_text("utf-8").splitlines()]

    pages = {row["corpus-id"]: f"{row['doc']}#{row['page']}" for row in rows("corpus.jsonl")}
    labelled: dict[int, set[str]] = {}
    for row in rows("qrels.jsonl"):
        labelled.setdefault(row["query-id"], set()).add(pages[row["corpus-id"]])
    known = [(row["query"], labelled[row["query-id"]]) for row in rows("queries.jsonl") if row["query-id"] in labelled]
    step = max(1, len(known) // wanted)
    return known[::step][:wanted]


async def main(data: Path, index: Path, wanted: int, least: float) -> int:
    """Ask, and say what came of it."""
    vrag = Path(sys.executable).with_name("vrag")
    server = StdioServerParameters(command=str(vrag), args=["mcp", "--index", str(index.resolve())])
    questions, first, any_of = read_questions(data, wanted), 0, 0
    async with Client(server) as client:
        assistant = Assistant(client)
        for question, labelled in questions:
            cited = await assistant.answer(question)
            hits = [page.id in labelled for page in cited]
            first, any_of = first + hits[0], any_of + any(hits)
            marks = ", ".join(f"{page.id}{' (right)' if hit else ''}" for page, hit in zip(cited, hits, strict=True))
            print(f"{question}\n    {marks}")
        cost = assistant.cost
    count = len(questions)
    print(f"\n{any_of} of {count} questions: a labelled page is cited; {first}: it is the first one.")
    print(
        f"A question took {cost.calls / count:.1f} calls, {cost.letters / count:,.0f} characters, "
        f"{cost.pictures / count:.1f} pictures and {sorted(cost.seconds)[count // 2]:.1f} s (median)."
    )
    return 0 if any_of >= least * count else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("index", type=Path)
    parser.add_argument("--questions", type=int, default=10)
    parser.add_argument("--least", type=float, default=0.7, help="share of the questions")
    given = parser.parse_args()
    sys.exit(anyio.run(main, given.data, given.index, given.questions, given.least))
