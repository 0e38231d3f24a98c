"""What a command needs that asks another process is loaded in an instant: no array, no engine, no model, no picture."""

import json
import subprocess
import sys

from tests.pdfs import write_pdf
from vrag import Index

HEAVY = ("numpy", "qdrant_client", "qdrant_edge", "onnxruntime", "PIL", "torch", "httpx", "json_repair")
LIGHT = (  # every place, result and option that the two processes speak of, and the commands that do
    "vrag.ask.answer", "vrag.ask.answer_json", "vrag.cli.ask", "vrag.ask.following", "vrag.llm.llm",
    "vrag.catalog.documents_json", "vrag.catalog.documents", "vrag.catalog.failures", "vrag.catalog.metadata",
    "vrag.cli.app", "vrag.cli.documents", "vrag.cli.explain", "vrag.cli.health", "vrag.cli.info", "vrag.cli.ingest",
    "vrag.cli.mcp", "vrag.cli.search", "vrag.cli.watch", "vrag.embedders.options", "vrag.embedders.protocol",
    "vrag.explain.explanation", "vrag.explain.explanation_json", "vrag.ingest.ingest_options",
    "vrag.ingest.metadata_files", "vrag.ingest.pruning", "vrag.ingest.report", "vrag.places.place",
    "vrag.remote.remote_index", "vrag.runtime.lock", "vrag.search.hit", "vrag.search.hits_json",
    "vrag.search.query_text", "vrag.search.where", "vrag.upkeep.problem",
)  # fmt: skip
LOADED = f"""
import importlib, json, sys
found = {{}}
for name in {LIGHT!r}:
    importlib.import_module(name)
    found[name] = [heavy for heavy in {HEAVY!r} if heavy in sys.modules]
print(json.dumps(found))
"""


def test_asking_another_process_loads_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert {name: heavy for name, heavy in json.loads(done.stdout).items() if heavy} == {}


def test_choosing_a_folder_loads_nothing_heavy(tmp_path):
    (tmp_path / "index.json").write_text("{}")
    code = f"""
import sys
from pathlib import Path
from vrag.places.place import as_place, choose_place
assert as_place({str(tmp_path)!r}).name == choose_place(Path({str(tmp_path)!r})).name
print([heavy for heavy in {HEAVY!r} if heavy in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# What only an ingest, an answer, a picture of a page or another place for an index needs.
UNUSED = (
    "PIL", "asyncio", "html", "httpx", "numpy.ma", "pdf2image", "pebble", "pypdfium2", "qdrant_client",
    "rapidfuzz", "rapidocr", "ssl", "vrag.explain.explaining", "vrag.ingest.ingest", "vrag.pages.workers",
)  # fmt: skip


def test_a_search_loads_only_what_it_needs(tmp_path):
    write_pdf(tmp_path / "pdfs" / "pump.pdf", ["The relief valve of the pump", "Freight revenue by region"])
    with Index.create(tmp_path / "index") as index:
        index.ingest([tmp_path / "pdfs"])
    code = f"""
import sys
from vrag.cli import main
try:
    main(["search", "the valve", "--index", {str(tmp_path / "index")!r}, "--json"])
finally:
    print([name for name in {UNUSED!r} if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["hits"][0]["snippet"] == "The relief valve of the pump"
    assert done.stderr.splitlines()[-1] == "[]"
