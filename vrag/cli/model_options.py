"""Options of every command that runs a model: which one, where it runs and how."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from vrag.cli.completion import complete_models, complete_pipelines
from vrag.embedders.options import ModelOptions
from vrag.errors import UsageError
from vrag.runtime.parsing import MalformedError, whole_number
from vrag.runtime.pathtext import quoted


class DTypeName(str, Enum):
    """Number formats a user can choose."""

    auto = "auto"
    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


class QueryTokensName(str, Enum):
    """Which rows of a query count."""

    all = "all"
    no_specials = "no_specials"


ModelOption = Annotated[str | None, typer.Option(autocompletion=complete_models, help="Model, see: vrag models.")]
PipelineOption = Annotated[
    str | None,
    typer.Option(autocompletion=complete_pipelines, help="Pipeline by name or TOML file, see: vrag pipelines."),
]
_GROUP = "How the model runs (ColPali-style models)"
DeviceOption = Annotated[
    str, typer.Option(envvar="VRAG_DEVICE", rich_help_panel=_GROUP, help="auto, cpu, cuda, cuda:1 or mps.")
]
DTypeOption = Annotated[
    DTypeName,
    typer.Option(
        envvar="VRAG_DTYPE",
        rich_help_panel=_GROUP,
        help="auto: bfloat16 on cuda, float32 elsewhere, 8 bits for the built-in model.",
    ),
]
BatchSizeOption = Annotated[
    str, typer.Option(rich_help_panel=_GROUP, help="Pages embedded at once, or auto; halved when memory runs out.")
]
RevisionOption = Annotated[
    str | None, typer.Option(rich_help_panel=_GROUP, help="Branch, tag or commit of a hub checkpoint.")
]
QueryTokensOption = Annotated[
    QueryTokensName,
    typer.Option(rich_help_panel=_GROUP, help="Rows of a query: as trained, or without special tokens."),
]
RandomWeightsOption = Annotated[
    bool,
    typer.Option(
        "--allow-random-weights", rich_help_panel=_GROUP, help="Load the model even if weights are missing: for tests."
    ),
]


def model_options(
    device: str = "auto",
    dtype: DTypeName = DTypeName.auto,
    batch_size: str = "auto",
    revision: str | None = None,
    query_tokens: QueryTokensName = QueryTokensName.all,
    allow_random_weights: bool = False,
) -> ModelOptions:
    """The options as typed.

    Raises:
        UsageError: A device or batch size that cannot be.
    """
    try:
        pages = None if batch_size == "auto" else _pages(batch_size)
    except MalformedError as error:
        said = f"--batch-size {quoted(batch_size)} is not a whole number."
        raise UsageError(said, "Use a number from 1, or auto.") from error
    return ModelOptions(
        device=device,
        dtype=dtype.value,
        batch_size=pages,
        revision=revision,
        query_tokens=query_tokens.value,
        allow_random_weights=allow_random_weights,
    )


def _pages(text: str) -> int:
    """Pages of a batch.

    Raises:
        MalformedError: It is no number of pages.
    """
    if not text.isdecimal():
        raise MalformedError("not a whole number")
    return whole_number(text)
