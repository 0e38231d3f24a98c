"""What is known of each model without loading it."""

from __future__ import annotations

from dataclasses import dataclass

from vrag.errors import UsageError
from vrag.runtime.pathtext import quoted

MINILM, E5, COLPALI, ONNX = "minilm", "e5", "colpali", "onnx"  # keys of `vrag.embedders.families.FAMILIES`
INSTALL = {
    E5: 'pip install "vrag-toolkit[languages]"',
    COLPALI: 'pip install "vrag-toolkit[colpali]"',
    ONNX: 'pip install "vrag-toolkit[onnx]"',
}

Vision = tuple[int, int]
Means = tuple[float | None, float | None, float | None]
UNMEASURED: Means = (None, None, None)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Facts of a model, readable without its weights; None where no source says it, or sources disagree.

    Args:
        name: As the user types it.
        family: Key of `vrag.embedders.families.FAMILIES`: which code runs it.
        model_class: Class of colpali-engine, or the model of fastembed, that it is; empty for a model of words.
        dim: Dimension of its vectors.
        licence: SPDX id of the weights' licence, or the licence's name; of the base where its is stricter.
        megabytes: Size of the weights: in bfloat16, two bytes a parameter; of an ONNX model's or the built-in one's
            files as they are.
        millions: Parameters in millions.
        rows: Vectors of an A4 page in portrait; for a model of words they depend on its words.
        vision: Parameters of the vision tower in millions, and the patches it reads of an A4 page.
        vidore: Published means of NDCG in percent: @5 over ViDoRe v1, @5 over v2, @10 over the 8 public tasks
            of v3; None where a task's result is not published. Source: the public results of mteb.
        languages: That a model of words reads; empty for models of pictures, whose cards say it.
    """

    name: str
    family: str
    model_class: str
    dim: int | None
    licence: str | None
    megabytes: int
    millions: int
    rows: int | None = None
    vision: Vision | None = None
    vidore: Means = UNMEASURED
    languages: str = ""

    @property
    def needs(self) -> str:
        """What to install beyond vrag itself; empty for nothing."""
        return INSTALL.get(self.family, "")

    @property
    def page_bytes(self) -> int | None:
        """Bytes of an A4 page's full multivector in float16."""
        return None if self.rows is None or self.dim is None else 2 * self.rows * self.dim

    @property
    def teraflops(self) -> float | None:
        """Arithmetic of one A4 page in 10^12 floating point operations: two a parameter and token.

        The vision tower reads patches, the rest of the model the tokens that they are merged to.
        """
        if self.vision is None or self.rows is None:
            return None
        tower, patches = self.vision
        return 2 * (tower * patches + (self.millions - tower) * self.rows) / 1e6


# Vision towers: SigLIP base (93 million parameters) reads 13 tiles of 1,024 patches, SigLIP so400m (413) one picture
# of 1,024; those of Qwen2-VL (675) and Qwen2.5-VL (669) four patches for every token.
_TILES, _SQUARE = (93, 13 * 1024), (413, 1024)
_QWEN2, _QWEN2_5 = (675, 4 * 736), (669, 4 * 736)


def _torch(
    name: str,
    model_class: str,
    licence: str | None,
    millions: int,
    vidore: Means,
    rows: int | None = None,
    vision: Vision | None = None,
    dim: int | None = 128,
) -> ModelInfo:
    return ModelInfo(name, COLPALI, model_class, dim, licence, 2 * millions, millions, rows, vision, vidore)


def _nomic(size: str, licence: str, millions: int, vidore: Means) -> ModelInfo:
    return _torch(f"nomic-ai/colnomic-embed-multimodal-{size}", "ColQwen2_5", licence, millions, vidore, 736, _QWEN2_5)


BUILTIN = ModelInfo("builtin", MINILM, "", 384, "Apache-2.0", 23, 23, languages="English")
MULTILINGUAL = ModelInfo("multilingual", E5, "", 384, "MIT", 72, 118, languages="about 100")
WORD_MODELS = (BUILTIN, MULTILINGUAL)  # that read words, and see no pictures
MODELS: tuple[ModelInfo, ...] = (
    *WORD_MODELS,
    _torch("vidore/colSmol-256M", "ColIdefics3", "Apache-2.0", 256, (79.7, 34.8, 20.7), 832, _TILES),
    _torch("vidore/colSmol-500M", "ColIdefics3", "Apache-2.0", 507, (82.5, 42.9, None), 832, _TILES),
    _torch("ModernVBERT/colmodernvbert", "ColModernVBert", "MIT", 252, (None, None, 26.1), 832, _TILES),
    _torch("vidore/colpali-v1.1", "ColPali", "Gemma", 2920, (81.6, 50.0, None), 1024, _SQUARE),
    _torch("vidore/colpali-v1.2", "ColPali", "Gemma", 2920, (83.2, 52.3, None), 1024, _SQUARE),
    _torch("vidore/colpali-v1.3", "ColPali", "Gemma", 2920, (84.8, 54.7, 43.0), 1024, _SQUARE),
    _torch("vidore/colqwen2-v1.0", "ColQwen2", "Apache-2.0", 2210, (89.2, 56.0, 44.2), 736, _QWEN2),
    _torch("vidore/colqwen2.5-v0.2", "ColQwen2_5", "Qwen Research", 3750, (89.5, 60.1, 52.4), 736, _QWEN2_5),
    _torch("vidore/colqwen-omni-v0.1", "ColQwen2_5Omni", "Qwen Research", 4400, UNMEASURED),
    _nomic("3b", "Qwen Research", 3750, (89.9, 55.7, 56.4)),
    _nomic("7b", "Apache-2.0", 8290, (89.7, 60.2, 57.6)),
    _torch("Verm1ion/ColTurk-VDR-Qwen3VL-4B-v1.0", "ColQwen3", "Apache-2.0", 4440, (None, None, 55.8), dim=None),
    _torch("athrael-soju/colqwen3.5-4.5B-v3", "ColQwen3_5", "Apache-2.0", 4540, (91.5, 64.3, 61.6), dim=None),
    _torch("vultr/VultronRetrieverFlash-Qwen3.5-0.8B", "ColQwen3_5", None, 853, (88.2, 60.4, 56.5), dim=320),
    _torch("vultr/VultronRetrieverCore-Qwen3.5-4.5B", "ColQwen3_5", None, 4540, (92.2, 66.1, 63.7), dim=320),
    _torch("vultr/VultronRetrieverPrime-Qwen3.5-8B", "ColQwen3_5", None, 8390, (92.1, 68.2, 64.7), dim=320),
    ModelInfo("Qdrant/colpali-v1.3-fp16", ONNX, "ColPali", 128, "Gemma", 6500, 2920, 1024, _SQUARE),
    ModelInfo("Qdrant/colmodernvbert", ONNX, "ColModernVBert", 128, "MIT", 1000, 252, 832, _TILES),
)


def find_model(name: str) -> ModelInfo:
    """The record of the model called `name`.

    Raises:
        UsageError: There is none; lists those there are.
    """
    for model in MODELS:
        if model.name == name:
            return model
    raise unknown_model(name)


def unknown_model(name: str) -> UsageError:
    """The error for a name that is no model's."""
    if name.startswith((".", "/", "~")):
        return UsageError(f"There is no folder {name!r}.", "Name a folder with a checkpoint, or see: vrag models.")
    return UsageError(
        f"Unknown model {quoted(name)}: it is neither a folder nor a hub id (ORG/NAME) nor one of the known models.",
        f"Known models: {', '.join(model.name for model in MODELS)}.",
    )
