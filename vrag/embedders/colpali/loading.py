"""Loading a checkpoint: the family's classes, adapter on base, on the device asked for, with every weight in place."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vrag.embedders.colpali.repairs import prepared_config, repaired_class, without_logits
from vrag.embedders.colpali.torch_engine import choose_device, choose_dtype, import_engine, quiet
from vrag.embedders.colpali.torch_families import Family, find_family
from vrag.embedders.hub_files import ADAPTER_CONFIG, CONFIG, Snapshot, find_snapshot
from vrag.embedders.options import ModelOptions
from vrag.errors import ModelError

_PROCESSOR_FILES = ("processor_config.json", "preprocessor_config.json")
_ADAPTER_PREFIX = "base_model.model."
_UNUSED = ("lm_head",)  # no embedder predicts words


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint that was found and told apart, not loaded yet.

    Args:
        own: Its files.
        base: The files of the model that an adapter changes; the same as `own` without an adapter.
        family: Which classes run it.
    """

    own: Snapshot
    base: Snapshot
    family: Family

    @property
    def is_adapter(self) -> bool:
        """Whether there is an adapter to be put on the base."""
        return (self.own.folder / ADAPTER_CONFIG).is_file()


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready to run.

    Args:
        model: Of the family's class, in evaluation mode.
        processor: Of the family's processor class.
        device: "cpu", "cuda:0", "mps".
        dtype: "float32", "bfloat16" or "float16".
    """

    model: Any
    processor: Any
    device: str
    dtype: str


def find_checkpoint(name: str, options: ModelOptions) -> Checkpoint:
    """Find a checkpoint and its family without loading torch.

    Raises:
        UsageError: There is no such folder or hub id.
        ModelError: It cannot be fetched, is damaged, or is of no known family.
    """
    may_fetch = options.may_fetch(name)
    own = find_snapshot(name, options.revision, may_fetch=may_fetch)
    adapter = own.read_json(ADAPTER_CONFIG)
    base = _find_base(own, adapter, may_fetch) if adapter is not None and not _has_own_base(own) else own
    config = base.read_json(CONFIG)
    if config is None:
        raise ModelError(
            f"{base.name} has neither a {CONFIG} nor an {ADAPTER_CONFIG}: it is not a checkpoint.",
            "Name the folder that save_pretrained wrote.",
        )
    weights = own.weight_names()
    if not weights:
        raise ModelError(f"{own.name} has no weights (*.safetensors).", "Copy or download the checkpoint again.")
    return Checkpoint(own, base, find_family(config, adapter, weights, own.name))


def load_model(checkpoint: Checkpoint, options: ModelOptions) -> LoadedModel:
    """Load model and processor.

    Raises:
        UsageError: The device asked for is not there.
        ModelError: The extra is missing or broken, the checkpoint cannot be loaded, or weights are missing from it.
    """
    engine = import_engine()
    device = choose_device(options.device)
    dtype = choose_dtype(options.dtype, device)
    with quiet(), _load_errors(checkpoint.own.name):
        model, missing = _assembled(engine, checkpoint, dtype)
        processor = _processor(engine, checkpoint)
    if missing and not options.allow_random_weights:
        raise ModelError(
            f"{len(missing)} weights are missing from {checkpoint.own.name} and would be random: {_listed(missing)}.",
            "The checkpoint is incomplete or of another class; --allow-random-weights loads it all the same.",
        )
    return LoadedModel(without_logits(model).to(device).eval(), processor, device, dtype)


def _has_own_base(own: Snapshot) -> bool:
    """Whether the base's weights lie in the same folder as the adapter."""
    return (own.folder / CONFIG).is_file() and any(own.folder.glob("model*.safetensors"))


def _find_base(own: Snapshot, adapter: dict[str, Any], may_fetch: bool) -> Snapshot:
    name = adapter.get("base_model_name_or_path")
    if not isinstance(name, str) or not name:
        raise ModelError(f"{own.name}: {ADAPTER_CONFIG} names no base model.", "Train or export the adapter again.")
    nearby = own.folder / name  # a base beside its adapter may be named by a relative path
    try:
        place = str(nearby) if nearby.is_dir() else name
        return find_snapshot(place, adapter.get("revision"), may_fetch=may_fetch)
    except Exception as error:
        raise ModelError(f"The base model {name} of {own.name} cannot be found: {error}") from error


def _assembled(engine: Any, checkpoint: Checkpoint, dtype: str) -> tuple[Any, set[str]]:
    """The model with its adapter, and the weights that no file had."""
    import torch

    kind = repaired_class(engine, checkpoint.family.model_class)
    mapping = dict(getattr(kind, "_checkpoint_conversion_mapping", None) or {})
    # The base alone: transformers would otherwise report on the adapter's weights only, and a random
    # projection would go unnoticed.
    with _without_adapter(checkpoint) as folder:
        model, report = kind.from_pretrained(
            folder,
            config=prepared_config(kind, folder),
            dtype=getattr(torch, dtype),
            key_mapping=mapping,
            output_loading_info=True,
        )
    missing = set(report["missing_keys"]) | {str(key[0]) for key in report["mismatched_keys"]}
    if checkpoint.is_adapter:
        missing -= _load_missing(model, checkpoint.own, missing)
        missing |= _load_adapter(model, checkpoint.own, mapping)
    return model, {key for key in missing if not any(part in key.split(".") for part in _UNUSED)}


@contextlib.contextmanager
def _without_adapter(checkpoint: Checkpoint) -> Iterator[Path]:
    """The base's folder; where an adapter lies in it too, one with links to the base's files alone."""
    folder = checkpoint.base.folder
    if not (folder / ADAPTER_CONFIG).is_file():
        yield folder
        return
    with tempfile.TemporaryDirectory() as links:
        for file in (folder / CONFIG, *folder.glob("model*.safetensors*")):
            (Path(links) / file.name).symlink_to(file)
        yield Path(links)


def _load_missing(model: Any, own: Snapshot, missing: set[str]) -> set[str]:
    """Load weights that the base lacks and the adapter brings whole, as a projection; their names."""
    from safetensors import safe_open

    found: dict[str, Any] = {}
    for file in own.folder.glob("adapter_model*.safetensors"):
        with safe_open(file, framework="pt") as weights:
            names = {name.removeprefix(_ADAPTER_PREFIX): name for name in weights.keys()}  # noqa: SIM118
            found.update({name: weights.get_tensor(names[name]) for name in missing & names.keys()})
    model.load_state_dict(found, strict=False)
    return set(found)


def _load_adapter(model: Any, own: Snapshot, mapping: dict[str, str]) -> set[str]:
    """Put the adapter on the model; the names of its weights that are missing."""
    from transformers.conversion_mapping import get_model_conversion_mapping

    weight_mapping = get_model_conversion_mapping(model, key_mapping=mapping)
    return set(model.load_adapter(str(own.folder), weight_mapping=weight_mapping).missing_keys)


def _processor(engine: Any, checkpoint: Checkpoint) -> Any:
    own = any((checkpoint.own.folder / file).is_file() for file in _PROCESSOR_FILES)
    folder = (checkpoint.own if own else checkpoint.base).folder
    return getattr(engine, checkpoint.family.processor_class).from_pretrained(folder)


@contextlib.contextmanager
def _load_errors(name: str) -> Iterator[None]:
    """The border where what transformers and safetensors raise becomes a `ModelError`."""
    try:
        yield
    except (OSError, ValueError, TypeError, AttributeError, KeyError, ImportError, RuntimeError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelError(
            f"{name} cannot be loaded: {type(error).__name__}: {reason}",
            "The checkpoint may be damaged, or made for another version of transformers (see: vrag doctor).",
        ) from error


def _listed(names: Iterable[str], most: int = 3) -> str:
    shown = sorted(names)
    return ", ".join(shown[:most]) + (", ..." if len(shown) > most else "")
