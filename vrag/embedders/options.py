"""How a model is run: what the user may choose, and which of it belongs to the index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from vrag.errors import UsageError

DType = Literal["auto", "float32", "bfloat16", "float16"]
QueryTokens = Literal["all", "no_specials"]
# Facts of a model's fingerprint, since vectors or scores depend on them; the rest is this machine's business.
_KEPT = ("revision", "query_tokens", "allow_random_weights", "weights")


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """How to load and run a model.

    Args:
        device: "auto" (cuda, then mps, then cpu), "cpu", "mps", "cuda", or one of several as "cuda:1".
        dtype: "auto" is bfloat16 on cuda (float16 where the card has none), float32 elsewhere. The built-in model
            has weights of 8 bits, and others for "float32".
        batch_size: Pages of one forward pass, None for one that suits the device; halved when memory runs out.
        revision: Branch, tag or commit of a hub checkpoint; the commit found is kept with the index.
        query_tokens: "all" rows of a query as the model was trained, or "no_specials" without those of special
            and augmentation tokens.
        allow_random_weights: Load a checkpoint although weights are missing from it (for tests).
        weights: SHA-256 of the built-in model's weights that an index was made with; None for a new index.
        threads: CPU threads of one forward pass; None for one a CPU.
        named: The model that the user named himself. Of any other no file is fetched from the hub: whoever wrote an
            index's facts must not choose what is downloaded. None: what is loaded was named.

    Raises:
        UsageError: A value is not one of those allowed.
    """

    device: str = "auto"
    dtype: DType = "auto"
    batch_size: int | None = None
    revision: str | None = None
    query_tokens: QueryTokens = "all"
    allow_random_weights: bool | None = None
    weights: str | None = None
    threads: int | None = None
    named: str | None = None

    def __post_init__(self) -> None:
        _one_of("device", self.device.split(":")[0], ("auto", "cpu", "cuda", "mps"))
        _one_of("dtype", self.dtype, get_args(DType))
        _one_of("query_tokens", self.query_tokens, get_args(QueryTokens))
        if self.batch_size is not None and self.batch_size < 1:
            raise UsageError(f"batch_size must be at least 1, not {self.batch_size}.")

    @property
    def kept(self) -> dict[str, Any]:
        """Those that an index's fingerprint remembers."""
        return {key: getattr(self, key) for key in _KEPT}

    def of_index(self, facts: Mapping[str, Any]) -> ModelOptions:
        """These options for this machine, with those that an index's fingerprint remembers; the facts name no model."""
        known: dict[str, Any] = {key: facts[key] or None for key in _KEPT if key in facts}
        return replace(self, **known, named=self.named or "")

    def may_fetch(self, model: str) -> bool:
        """Whether files of this model may be fetched from the hub."""
        return self.named is None or self.named == model


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UsageError(f"{name} {value!r} is not known.", f"Choose one of: {', '.join(allowed)}.")
