"""The embedder over colpali-engine: pictures of pages and texts in, colpali-engine's own vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from vrag.embedders.canary import canary_numbers, digest
from vrag.embedders.colpali.geometry import whole_page
from vrag.embedders.colpali.loading import Checkpoint, LoadedModel, find_checkpoint, load_model
from vrag.embedders.colpali.torch_engine import free_memory, is_out_of_memory, quiet, versions
from vrag.embedders.colpali.torch_patches import Patches
from vrag.embedders.options import ModelOptions
from vrag.embedders.picture_embedder import Batches, PictureEmbedder, check_query, check_rows, on_page, picture, refused
from vrag.embedders.protocol import Fingerprint, PageVectors, QueryVectors
from vrag.grid import FloatArray
from vrag.pages.page import Page
from vrag.runtime.timing import timed

_BATCH = {"cpu": 1, "mps": 2, "cuda": 8}  # on a CPU a larger batch is no faster and pads pages to the largest


class ColpaliEmbedder(PictureEmbedder):
    """A model of colpali-engine as an `Embedder`.

    Args:
        checkpoint: What was found.
        loaded: The model, ready to run.
        options: Batch size and query mode.
    """

    def __init__(self, checkpoint: Checkpoint, loaded: LoadedModel, options: ModelOptions) -> None:
        size = options.batch_size or _BATCH[loaded.device.split(":")[0]]
        batches = Batches(size, loaded.device, is_out_of_memory, free_memory)
        super().__init__(checkpoint.own.name, loaded.device, batches, options)
        self._checkpoint, self._loaded = checkpoint, loaded
        self._family = checkpoint.family
        self._patches = Patches(loaded.model, loaded.processor, checkpoint.family.layout)

    @classmethod
    def load(cls, name: str, options: ModelOptions) -> ColpaliEmbedder:
        """Find and load the checkpoint `name`: a folder or a hub id.

        Raises:
            UsageError: There is no such folder or hub id, or no such device.
            ModelError: It cannot be fetched, loaded or trusted.
        """
        checkpoint = find_checkpoint(name, options)
        return cls(checkpoint, load_model(checkpoint, options), options)

    @property
    def max_rows(self) -> int | None:
        """The most vectors a page can have; None when nothing bounds them."""
        return 1 if self._family.dense else self._patches.most_rows()

    def embed_query(self, text: str) -> QueryVectors:
        """One unit row a token, as the model was trained: augmentation tokens included unless "no_specials".

        Raises:
            UsageError: The query is empty.
            ModelError: A row is not a number, or it does not fit into memory.
        """
        check_query(text)
        rows = self.token_rows(text)
        if self._family.dense:
            return QueryVectors(rows, (text,))
        ids = self._query_batch(text)["input_ids"][0].tolist()
        keep = [i for i, token in enumerate(ids) if self._is_kept(token)] or range(len(ids))
        tokens = self._loaded.processor.tokenizer.convert_ids_to_tokens([ids[i] for i in keep])
        return QueryVectors(rows[list(keep)], tuple(tokens))

    def token_rows(self, text: str) -> FloatArray:
        """The rows of all of a text's tokens, float32 [m, d], m = 1 for a dense model.

        Raises:
            ModelError: A row is not a number, or it does not fit into memory.
        """
        batch = self._query_batch(text)
        output = self._batches.run_query(lambda: self._forward(batch))
        rows = output if self._family.dense else output[0][batch["attention_mask"][0].numpy() == 1]
        self._check(rows, "The query")
        return rows

    def fingerprint(self) -> Fingerprint:
        """Model, revision, processor settings, versions, and what the model makes of a canary."""
        return Fingerprint(
            {
                "model": self.name,
                "class": self._family.model_class,
                "revision": self._checkpoint.own.revision,
                "dim": self.dim,
                "processor": self._processor_digest,
                **versions(),
                "query_tokens": self.options.query_tokens,
                "allow_random_weights": bool(self.options.allow_random_weights),
                "canary": self._canary(),
            }
        )

    def process(self, pages: Sequence[Page]) -> Any:
        """What colpali-engine's processor makes of pages: the model's input, on the CPU.

        Raises:
            PageError: The processor refuses a picture, as one that is 200 times as long as wide.
        """
        try:
            with timed("preprocess"), quiet():
                return self._loaded.processor.process_images([picture(page) for page in pages])
        except (ValueError, ZeroDivisionError) as error:
            raise refused(error) from error

    def _embed_batch(self, pages: Sequence[Page]) -> list[PageVectors]:
        batch = self.process(pages)
        output = self._forward(batch)
        if self._family.dense:
            rows, grids = [row[None] for row in output], [whole_page() for _ in pages]
        else:
            masks, grids = self._patches.masks(batch), self._patches.grids(batch)
            rows = [tokens[mask] for tokens, mask in zip(output, masks, strict=True)]
        for page, vectors in zip(pages, rows, strict=True):
            self._check(vectors, f"Page {page.number}")
        return [on_page(*found) for found in zip(rows, grids, pages, strict=True)]

    def _longest_side(self) -> int:
        return self._patches.longest_side()

    def _forward(self, batch: Any) -> FloatArray:
        """The model's output, float32 [b, length, d] or [b, d]."""
        import torch

        with timed("forward"), torch.inference_mode():
            moved = {key: value.to(self.device) for key, value in batch.items() if key != "labels"}
            output = self._loaded.model(**moved)
            # numpy knows no bfloat16
            vectors: FloatArray = output.to(torch.float32).cpu().numpy()
            return vectors

    def _query_batch(self, text: str) -> Any:
        with timed("preprocess"), quiet():
            return self._loaded.processor.process_queries([text])

    def _is_kept(self, token: int) -> bool:
        if self.options.query_tokens == "all":
            return True
        return token not in self._loaded.processor.tokenizer.all_special_ids

    def _check(self, rows: FloatArray, what: str) -> None:
        check_rows(rows, what, self.name, f"{self.device} in {self._loaded.dtype}")

    @cached_property
    def _processor_digest(self) -> str:
        """Hash of the processor's settings and prompt."""
        processor = self._loaded.processor
        prompt = getattr(processor, "visual_prompt_prefix", None) or getattr(processor.tokenizer, "chat_template", None)
        settings = processor.image_processor.to_dict()
        return digest({"settings": settings, "prompt": prompt, "tokens": len(processor.tokenizer)})

    def _canary(self) -> str:
        device, dtype = self._loaded.device, self._loaded.dtype
        facts = {"class": self._family.model_class, "device": device, "dtype": dtype, **versions()}
        folders = (self._checkpoint.own.folder, self._checkpoint.base.folder)
        return canary_numbers(self, folders, {**facts, "processor": self._processor_digest})
