"""The embedder over ONNX checkpoints: pictures of pages and texts in, the model's own rows of patches out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from vrag.embedders.canary import canary_numbers, canary_page, digest
from vrag.embedders.colpali.geometry import BoolArray
from vrag.embedders.hub_files import Snapshot, find_snapshot
from vrag.embedders.onnx_vision.onnx_engine import (
    Inputs,
    OnnxModel,
    choose_device,
    import_fastembed,
    load_onnx,
    version,
)
from vrag.embedders.onnx_vision.onnx_families import PREPROCESSOR, PROCESSOR, OnnxFamily, find_onnx_family
from vrag.embedders.onnx_vision.onnx_patches import OnnxPatches
from vrag.embedders.options import ModelOptions
from vrag.embedders.picture_embedder import Batches, PictureEmbedder, check_query, check_rows, on_page, picture, refused
from vrag.embedders.protocol import Fingerprint, PageVectors, QueryVectors
from vrag.errors import UsageError
from vrag.grid import FloatArray
from vrag.pages.page import Page
from vrag.runtime.timing import timed

FILES = ("*.onnx", "*.onnx_data", "*.onnx.data")  # of a checkpoint on the hub, besides configs and tokenizers
_BATCH = {"cpu": 1, "cuda": 4}
_SMALLER = "Use a smaller model, or --device cpu."


def find_onnx(name: str, options: ModelOptions) -> tuple[Snapshot, OnnxFamily]:
    """Find a checkpoint and its family without loading it.

    Raises:
        UsageError: There is no such folder or hub id.
        ModelError: The extra is missing, or it cannot be fetched, is damaged, or is of no known family.
    """
    import_fastembed()
    snapshot = find_snapshot(name, options.revision, FILES, options.may_fetch(name))
    return snapshot, find_onnx_family(snapshot)


class OnnxEmbedder(PictureEmbedder):
    """A late-interaction image model in ONNX as an `Embedder`.

    Args:
        snapshot: Its files.
        family: What they are.
        model: Loaded from them.
        options: Batch size and query mode.
    """

    def __init__(self, snapshot: Snapshot, family: OnnxFamily, model: OnnxModel, options: ModelOptions) -> None:
        size = options.batch_size or _BATCH[model.device.split(":")[0]]
        batches = Batches(size, model.device, lambda e: isinstance(e, MemoryError), remedy=_SMALLER)
        super().__init__(snapshot.name, model.device, batches, options)
        self._snapshot, self._family, self._model = snapshot, family, model
        self._patches = OnnxPatches(snapshot, family.layout, model.tokenizer)

    @classmethod
    def load(cls, name: str, options: ModelOptions) -> OnnxEmbedder:
        """Find and load the checkpoint `name`: a folder or a hub id.

        Raises:
            UsageError: There is no such folder, hub id or device; or a number format is asked for.
            ModelError: The extra is missing, or the checkpoint cannot be fetched, loaded or trusted.
        """
        if options.dtype != "auto":
            raise UsageError(f"An ONNX model cannot be run in {options.dtype}: its file decides.", "Leave --dtype out.")
        device = choose_device(options.device)
        snapshot, family = find_onnx(name, options)
        return cls(snapshot, family, load_onnx(family, snapshot.folder, device, options.threads), options)

    @cached_property
    def max_rows(self) -> int | None:
        """The most vectors a page can have."""
        # A processor that says nothing of it makes the same number of every page.
        return self._patches.most_rows() or int(self._patches.masks(self.process([canary_page()])).sum())

    def embed_query(self, text: str) -> QueryVectors:
        """One unit row a token, as the model was trained: augmentation tokens included unless "no_specials".

        Raises:
            UsageError: The query is empty.
            ModelError: A row is not a number, or it does not fit into memory.
        """
        check_query(text)
        inputs = self._query_inputs(text)
        ids = inputs["input_ids"][0][_attended(inputs)].tolist()
        keep = [i for i, token in enumerate(ids) if self._is_kept(token)] or range(len(ids))
        tokens = tuple(self._model.tokenizer.id_to_token(ids[i]) or "" for i in keep)
        return QueryVectors(self.token_rows(text)[list(keep)], tokens)

    def token_rows(self, text: str) -> FloatArray:
        """The rows of all of a text's tokens, float32 [m, d].

        Raises:
            ModelError: A row is not a number, or it does not fit into memory.
        """
        inputs = self._query_inputs(text)
        rows: FloatArray = self._batches.run_query(lambda: self._forward(inputs))[0][_attended(inputs)]
        check_rows(rows, "The query", self.name, self.device)
        return rows

    def fingerprint(self) -> Fingerprint:
        """Model, revision, processor settings, versions, and what the model makes of a canary."""
        facts = {
            "class": f"fastembed {self._family.fastembed_name}",
            "processor": self._processor_digest(),
            "fastembed": str(version()),
        }
        canary = canary_numbers(self, [self._snapshot.folder], {**facts, "device": self.device})
        return Fingerprint(
            {
                "model": self.name,
                "revision": self._snapshot.revision,
                "dim": self.dim,
                **facts,
                "query_tokens": self.options.query_tokens,
                "canary": canary,
            }
        )

    def process(self, pages: Sequence[Page]) -> Inputs:
        """What the model is given for pages.

        Raises:
            PageError: The processor refuses a picture.
        """
        try:
            with timed("preprocess"):
                return self._model.page_inputs([picture(page) for page in pages])
        except (ValueError, ZeroDivisionError) as error:
            raise refused(error) from error

    def _embed_batch(self, pages: Sequence[Page]) -> list[PageVectors]:
        inputs = self.process(pages)
        grids, masks = self._patches.grids(inputs), self._patches.masks(inputs)
        rows = [tokens[mask] for tokens, mask in zip(self._forward(inputs), masks, strict=True)]
        for page, vectors in zip(pages, rows, strict=True):
            check_rows(vectors, f"Page {page.number}", self.name, self.device)
        return [on_page(*found) for found in zip(rows, grids, pages, strict=True)]

    def _longest_side(self) -> int:
        return self._patches.longest_side()

    def _forward(self, inputs: Inputs) -> FloatArray:
        with timed("forward"):
            return self._model.run(inputs)

    def _query_inputs(self, text: str) -> Inputs:
        with timed("preprocess"):
            return self._model.query_inputs(text)

    def _is_kept(self, token: int) -> bool:
        return self.options.query_tokens == "all" or token not in self._model.specials

    def _processor_digest(self) -> str:
        read = self._snapshot.read_json
        tokens = self._model.tokenizer.get_vocab_size()
        return digest({"pixels": read(PREPROCESSOR), "processor": read(PROCESSOR), "tokens": tokens})


def _attended(inputs: Inputs) -> BoolArray | slice:
    """Which tokens of the first text are no padding."""
    mask = inputs.get("attention_mask")
    return slice(None) if mask is None else mask[0] == 1
