"""What a real Qdrant server costs beside an embedded index of the same pages: the tables of docs/performance/server.md.

    python eval/server_figures.py INDEX QUESTIONS --program QDRANT [--pdfs FOLDER] [--json FILE]
    python eval/server_figures.py INDEX QUESTIONS --url http://localhost:6333

INDEX is an embedded index of real pages, which is copied; QUESTIONS a file with rows `{"query"}`. QDRANT is the server
program (or `VRAG_TEST_QDRANT_BIN`): then one node is started, and three for the last table. With `--url` a server that
runs is measured, in collections of its own that are deleted at the end. Searches run in processes of their own;
commands are whole ones, started from the shell. All on one machine, so server and client share its cores.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from qdrant_client import QdrantClient, models
from qdrant_node import ENV, Node, cluster
from scale_points import copied, quantiles
from server_commands import COMMANDS, Here, Rows, commands, copies, page_count, tell
from server_searches import Searched, search_apart
from tables import markdown, put

from vrag import Index, __version__
from vrag.bench.run import machine
from vrag.catalog.kinds import PAGE
from vrag.evaluation.benchmarks.asked_questions import read_questions
from vrag.places.place import ServerPlace
from vrag.store.server.address import GRPC_PORT_ENV, KEY_ENV, Server
from vrag.store.server.connect import connect

PARTS = ("copies", "searches", "records", *COMMANDS, "cluster")
CASCADES = ("best", "two-stage", "three-stage", "exact")
RECORDS, RECORDS_AT_ONCE = 64, 8
MB = 1e6
_NOT_PACKED = {"grpc.compression_enabled_algorithms_bitset": 1}  # the first bit alone


def searches(here: Here, questions: Sequence[str], cascades: Sequence[str]) -> Rows:
    """Every cascade embedded, on the server, and once more over wires that count."""
    rows = [["search", "embedded", "95 %", "server", "95 %", "ratio", "first, embedded", "first, server"]]
    rows[0] += ["wire, first search", "wire, a search", "top ten the same", "scores apart"]
    for cascade in cascades:
        tell(f"searching: {cascade}")
        embedded = search_apart(str(here.index), cascade, questions, {})
        server = search_apart(here.server.url, cascade, questions, here.environment)
        with here.counted() as (behind, wires):
            environment = {**here.environment, GRPC_PORT_ENV: str(behind.grpc)}
            wired = search_apart(behind.url, cascade, questions, environment, wires)
        rows.append([f"`{cascade}`", *_times(embedded, server), *_wire(wired), *_alike(embedded, server)])
    return rows


def _times(embedded: Searched, server: Searched) -> list[str]:
    (here, here_most), (there, there_most) = quantiles(embedded.seconds), quantiles(server.seconds)
    times = [_ms(here), _ms(here_most), _ms(there), _ms(there_most), f"{there / here:.1f} x"]
    return [*times, f"{embedded.first:.1f} s", f"{server.first:.1f} s"]


def _wire(wired: Searched) -> list[str]:
    return [f"{wired.first_bytes / MB:.2f} MB", f"{wired.bytes / MB:.2f} MB"]


def _alike(embedded: Searched, server: Searched) -> list[str]:
    """Share of the embedded top ten that the server finds, and the largest difference of a page's scores."""
    shares, apart = [], 0.0
    for mine, theirs in zip(embedded.tops, server.tops, strict=True):
        both = mine.keys() & theirs.keys()
        shares.append(len(both) / len(mine) if mine else 1.0)
        apart = max([apart, *(abs(mine[page] - theirs[page]) for page in both)])
    return [f"{statistics.mean(shares):.1%}", f"{apart:.4f}"]


def records(here: Here) -> Rows:
    """A page's record with all its vectors, over each protocol: by vrag, and by the client library, packed and not."""
    rows = [["a record with its vectors", "vrag", "client library", "client library, compressed"]]
    with closing(connect(here.server)) as connection:
        pages = models.Filter(must=[models.FieldCondition(key="kind", match=models.MatchValue(value=PAGE))])
        found, _ = connection.client.scroll(here.collection, pages, limit=RECORDS, with_payload=False)
    ids = [str(point.id) for point in found]
    for wire, port in (("gRPC", here.server.grpc), ("REST", 0)):
        if port or wire == "REST":
            tell(f"records: {wire}")
            rows.append([wire, *(f"{1000 * seconds:.1f} ms" for seconds in _fetching(here, port, ids))])
    return rows


def _fetching(here: Here, port: int, ids: Sequence[str]) -> Iterator[float]:
    """Seconds a record: by vrag's store, by the client library told not to have answers packed, and as it is."""
    server = replace(here.server, grpc_port=port)
    with Index.open(ServerPlace(server, here.collection)) as index:
        names = index.pipeline.vector_names
        yield _timed(lambda some: index.stored.store.fetch(some, names), ids)
    for encoding, options in (("identity", _NOT_PACKED), ("gzip", None)):
        how: dict[str, Any] = {"headers": {"accept-encoding": encoding}}
        if port:
            how = {"grpc_port": port, "prefer_grpc": True, "grpc_options": options}  # it asks for packing by itself
        with closing(QdrantClient(server.url, api_key=server.api_key, check_compatibility=False, **how)) as client:
            fetch = partial(client.retrieve, here.collection, with_payload=["page"], with_vectors=True)
            yield _timed(fetch, ids)


def _timed(fetch: Callable[[Sequence[str]], object], ids: Sequence[str]) -> float:
    """Seconds a record, of records that are fetched some at once."""
    fetch(ids[:RECORDS_AT_ONCE])
    started = time.perf_counter()
    for first in range(0, len(ids), RECORDS_AT_ONCE):
        fetch(ids[first : first + RECORDS_AT_ONCE])
    return (time.perf_counter() - started) / len(ids)


def of_cluster(program: Path, index: Path, questions: Sequence[str], scratch: Path) -> tuple[Rows, str]:
    """Three nodes, all up and with one of them killed; and what `status` says then."""
    rows = [["three nodes, 6 shards, each kept twice", "`best`", "95 %", "first search"]]
    with cluster(program, scratch / "cluster", 3) as nodes:
        here = Here(index, nodes[0].server(), "figures")
        tell("three nodes: push")
        here.run("push", "--index", str(index), *here.on_server, "--shards", "6", "--replication", "2")
        for state in ("all up", "one of them killed"):
            if state != "all up":
                nodes[2].kill()
            tell(f"three nodes: {state}")
            found = search_apart(here.server.url, "best", questions, here.environment)
            median, most = quantiles(found.seconds)
            rows.append([state, _ms(median), _ms(most), f"{found.first:.1f} s"])
        _, said = here.run("status", "--url", here.server.url, "--collection", here.collection)
    return rows, said


def measure(here: Here, args: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """The tables of one node by name."""
    questions, tables = _questions(args), {}
    tables["copies"] = copies(here, page_count(here), args.parts, scratch)
    if "searches" in args.parts:
        tables["searches"] = searches(here, questions, args.cascades)
    if "records" in args.parts:
        tables["records"] = records(here)
    if set(COMMANDS) & set(args.parts):
        tables["commands"] = commands(here, args, questions[0], scratch)
    return tables


@contextmanager
def emptied(server: Server, *collections: str) -> Iterator[None]:
    """Collections that are deleted after the block, whatever it made of them."""
    try:
        yield
    finally:
        with closing(connect(replace(server, grpc_port=0))) as connection:
            for name in collections:
                if connection.client.collection_exists(name):
                    connection.client.delete_collection(name)


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:,.0f} ms"


def _questions(args: argparse.Namespace) -> list[str]:
    found = [question.text for question in read_questions(args.questions)]
    return found[:: max(1, len(found) // args.asked)][: args.asked]


def shown(facts: str, tables: Mapping[str, Any]) -> str:
    """All of it in Markdown."""
    parts = [facts]
    for name, rows in tables.items():
        if isinstance(rows, str):
            parts.append(f"`{name}`:\n\n" + "\n".join(f"    {line}" for line in rows.strip().splitlines()))
        else:
            parts.append(markdown(rows[0], rows[1:]))
    return "\n\n".join(parts)


def main() -> None:
    """Measure and print."""
    args = _parsed()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as last:
        scratch = Path(folder)
        copied(args.index, scratch / "index")
        collection = f"vrag-figures-{os.getpid()}"
        if args.url:
            server = Server.from_environment(args.url, 600.0)
            last.enter_context(emptied(server, collection, f"{collection}-ingest"))
        else:
            server = last.enter_context(Node(args.program, scratch / "node")).server()
        with closing(connect(server)) as connection:
            version = connection.client.info().version
        is_one = args.parts != ["cluster"]
        tables = measure(Here(scratch / "index", server, collection), args, scratch) if is_one else {}
        last.close()
        if args.program and not args.url and "cluster" in args.parts:
            rows, said = of_cluster(args.program, scratch / "index", _questions(args), scratch)
            tables |= {"cluster": rows, "vrag status, one of three nodes killed": said}
    facts = f"vrag {__version__}, Qdrant {version}; {machine()}; {args.asked} questions."
    text = shown(facts, tables)
    print(text)
    if args.into:
        put(args.into, text)
    if args.json:
        args.json.write_text(json.dumps({"facts": facts, "tables": tables}, indent=1) + "\n")


def _parsed() -> argparse.Namespace:
    program = os.environ.get(ENV)
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("index", type=Path, help="an embedded index; it is copied, never written to")
    parser.add_argument("questions", type=Path, help='rows {"query"}')
    parser.add_argument("--program", type=Path, default=Path(program) if program else None, help=f"default: ${ENV}")
    parser.add_argument("--url", help="a server that runs, instead")
    parser.add_argument("--pdfs", type=Path, help="documents to ingest, embedded and on the server")
    parser.add_argument("--asked", type=int, default=40, help="questions (default 40)")
    parser.add_argument("--cascades", nargs="+", default=list(CASCADES))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--json", type=Path, help="write the tables to this file")
    parser.add_argument("--into", type=Path, help="put them into this page, e.g. docs/performance/server.md")
    args = parser.parse_args()
    if not (args.url or args.program):
        parser.error(f"--program or --url is needed; {KEY_ENV} holds the server's key")
    return args


if __name__ == "__main__":
    main()
