"""Which pipeline a new index gets: the one asked for, else the one that fits the model."""

from __future__ import annotations

from vrag.embedders.families import ModelOptions, canonical_name, default_pipeline
from vrag.embedders.models import MULTILINGUAL
from vrag.pages.language import ENGLISH
from vrag.pipeline.pipeline import Pipeline, load_pipeline


def choose_pipeline(
    pipeline: str | Pipeline | None,
    model: str | None = None,
    options: ModelOptions | None = None,
    language: str | None = None,
) -> Pipeline:
    """The pipeline for a new index, with the model in it.

    Args:
        pipeline: A shipped pipeline's name, a TOML file, or a `Pipeline`; None for the one that fits the model.
        model: To be used instead of the pipeline's: a known one, a folder with a checkpoint, or a hub id.
        options: The revision decides which checkpoint is looked at.
        language: Of the words, as `vrag.cascade.bm25.Bm25Lane` has it; None for the pipeline's. The built-in model
            reads English, so another language has the multilingual one, unless a pipeline or model is asked for.

    Raises:
        UsageError: There is no such pipeline or model.
        ModelError: The model cannot be told apart, being damaged or not to be fetched.
    """
    if language not in (None, ENGLISH) and pipeline is None:
        model = model or MULTILINGUAL.name
    if isinstance(pipeline, Pipeline):
        chosen = pipeline
    else:
        chosen = load_pipeline(pipeline or (default_pipeline(model, options) if model else None))
    chosen = chosen.with_model(canonical_name(model or chosen.model))
    return chosen.with_language(language) if language else chosen
