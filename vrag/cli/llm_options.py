"""Options that name a language model; its key is no option, since others can read a command line."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from vrag.errors import UsageError
from vrag.llm.llm import KEY_ENV, MODEL_ENV, URL_ENV, llm_from

if TYPE_CHECKING:
    from vrag.llm.llm import Llm

_GROUP = "A language model that writes the answer"


class SeesName(str, Enum):
    """What a model can be shown of pages."""

    auto = "auto"
    images = "images"
    text = "text"
    both = "both"


LlmOption = Annotated[
    str | None,
    typer.Option(
        "--llm",
        metavar="<url>",
        rich_help_panel=_GROUP,
        help="Address of the model (any OpenAI-compatible endpoint), e.g. http://localhost:11434/v1. "
        f"It gets the question and the pages. Also {URL_ENV}; {KEY_ENV} has its key.",
    ),
]
LlmModelOption = Annotated[
    str | None,
    typer.Option(
        "--llm-model",
        rich_help_panel=_GROUP,
        help=f"Name of the model; also {MODEL_ENV}; default: the first one listed.",
    ),
]
LlmSeesOption = Annotated[
    SeesName,
    typer.Option(
        "--llm-sees", rich_help_panel=_GROUP, help="What the model gets of pages; auto: pictures too if it can see."
    ),
]
NoLlmOption = Annotated[
    bool, typer.Option("--no-llm", rich_help_panel=_GROUP, help=f"Answer in quotes even if {URL_ENV} names a model.")
]


def chosen_llm(url: str | None, model: str | None, sees: SeesName, without: bool) -> Llm | None:
    """The language model that the options and the environment name; None for quotes alone.

    Raises:
        UsageError: The options contradict each other, or name a model and nobody says where it is.
    """
    typed = {"--llm": url is not None, "--llm-model": model is not None, "--llm-sees": sees is not SeesName.auto}
    given = [name for name, is_typed in typed.items() if is_typed]
    if without:
        if given:
            raise UsageError(f"--no-llm and {given[0]} contradict each other.", "Leave one of them out.")
        return None
    if url is not None and not url.strip():
        raise UsageError("The address of the language model is empty.", "e.g. --llm http://localhost:11434/v1")
    llm = llm_from(url, model, sees.value)
    if llm is None and given:
        raise UsageError(
            f"{given[0]} is for a language model, and none is named.", f"Give --llm URL, or set {URL_ENV}."
        )
    return llm
