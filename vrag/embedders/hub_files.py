"""Finding a checkpoint: a local folder, or one of the Hugging Face hub (`HF_HOME`, `HF_TOKEN`, `HF_HUB_OFFLINE`)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vrag.errors import ModelError, UsageError
from vrag.runtime.parsing import MalformedError, parse_json, read_text, reason_of

CONFIG, ADAPTER_CONFIG = "config.json", "adapter_config.json"
_HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")  # `./NAME` and `../NAME` are folders
# Everything a model is loaded from, and no second copy of the weights in another format.
_WANTED = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Files of a checkpoint on this machine.

    Args:
        name: As asked for: an absolute path or a hub id.
        folder: Where they are.
        revision: Commit on the hub; empty for a local folder.
    """

    name: str
    folder: Path
    revision: str = ""

    @property
    def has_safetensors(self) -> bool:
        """Whether it has weights for torch."""
        return any(self.folder.glob("*.safetensors"))

    @property
    def has_graphs(self) -> bool:
        """Whether it has models in ONNX."""
        return any(self.folder.glob("*.onnx"))

    def read_json(self, file: str) -> dict[str, Any] | None:
        """A JSON object of the checkpoint, None when it has no such file.

        Raises:
            ModelError: The file is damaged.
        """
        path = self.folder / file
        if not path.is_file():
            return None
        try:
            found = parse_json(read_text(path))
        except (OSError, MalformedError) as error:
            raise ModelError(
                f"{path} cannot be read: {reason_of(error)}.", "Copy or download the checkpoint again."
            ) from error
        if not isinstance(found, dict):
            raise ModelError(f"{path} is not a JSON object.", "Copy or download the checkpoint again.")
        return found

    def weight_names(self) -> set[str]:
        """Names of the weights in its safetensors files, read from their headers."""
        from safetensors import SafetensorError, safe_open

        names: set[str] = set()
        for file in sorted(self.folder.glob("*.safetensors")):
            try:
                with safe_open(file, framework="numpy") as weights:
                    names.update(weights.keys())
            except (SafetensorError, OSError) as error:
                raise ModelError(f"{file} is damaged: {error}.", "Copy or download the checkpoint again.") from error
        return names


def is_folder(name: str) -> bool:
    """Whether a model's name is a folder's path."""
    return os.path.isdir(os.path.expanduser(name))  # a name from outside may be none at all: False, not an error


def canonical_name(name: str) -> str:
    """The name by which an index remembers a model: a folder's absolute path, anything else as it is."""
    return str(Path(name).expanduser().resolve()) if is_folder(name) else name


def is_hub_id(name: str) -> bool:
    """Whether a name has the form of a hub id, ORG/NAME."""
    return _HUB_ID.fullmatch(name) is not None


def find_snapshot(
    name: str, revision: str | None = None, extra: tuple[str, ...] = (), may_fetch: bool = True
) -> Snapshot:
    """The files of the checkpoint, downloaded when they are not here yet.

    Args:
        name: A folder, or a hub id.
        revision: Branch, tag or commit on the hub.
        extra: Patterns of files wanted besides configs, tokenizers and safetensors.
        may_fetch: Whether they may be downloaded; else they must be in the cache.

    Raises:
        UsageError: It is neither a folder nor a hub id, or a revision is asked of a folder.
        ModelError: The hub cannot be reached, or has no such checkpoint.
    """
    if is_folder(name):
        if revision:
            raise UsageError(f"{name} is a folder and has no revision {revision!r}.", "Leave --revision out.")
        return Snapshot(canonical_name(name), Path(canonical_name(name)))
    if not is_hub_id(name):
        raise UsageError(f"There is no folder {name!r}, and it is not a hub id either.", "A hub id is ORG/NAME.")
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ModelError(
            f"{name} comes from the Hugging Face hub, and huggingface_hub is not installed.",
            'Install it with: pip install "vrag-toolkit[colpali]", or "vrag-toolkit[onnx]" for models in ONNX.',
        ) from error
    wanted = {"revision": revision, "allow_patterns": [*_WANTED, *extra], "local_files_only": not may_fetch}
    with _hub_errors(name, revision, may_fetch):
        folder = Path(snapshot_download(name, **wanted))
    return Snapshot(name, folder, folder.name)


@contextmanager
def _hub_errors(name: str, revision: str | None, may_fetch: bool) -> Iterator[None]:
    """The border where the hub's exceptions become `ModelError`s."""
    from huggingface_hub import errors

    hints: Mapping[type[Exception], str] = {
        errors.GatedRepoError: "Accept its licence on its page at the hub, then set HF_TOKEN.",
        errors.RepositoryNotFoundError: "Check the name; a private one needs HF_TOKEN.",
        errors.RevisionNotFoundError: f"Check --revision {revision}.",
        errors.LocalEntryNotFoundError: "It is not in the cache, and the hub cannot be reached.",
        errors.OfflineModeIsEnabled: "HF_HUB_OFFLINE is set and it is not in the cache.",
    }
    try:
        yield
    except errors.LocalEntryNotFoundError as error:
        if may_fetch:
            raise _not_fetched(name, error, hints) from error
        raise ModelError(
            f"The index says that {name} made it, and that model is not on this machine.",
            f"An index does not choose what is downloaded. If you trust the model, fetch it: hf download {name}",
        ) from error
    except (OSError, ValueError, errors.HfHubHTTPError) as error:
        raise _not_fetched(name, error, hints) from error


def _not_fetched(name: str, error: Exception, hints: Mapping[type[Exception], str]) -> ModelError:
    hint = next((text for kind, text in hints.items() if isinstance(error, kind)), "Is the network down?")
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    message = f"There is no folder {name}, and the model {name} cannot be fetched from the hub: {reason}"
    return ModelError(message, hint)
