"""Options of every command that searches: which pages count, and how they are found."""

from __future__ import annotations

from typing import Annotated

import typer

from vrag.cli.completion import complete_cascades, complete_filters

CascadeOption = Annotated[
    str | None,
    typer.Option(autocompletion=complete_cascades, help="best, exact, two-stage, three-stage, or stages as text."),
]
FilterOption = Annotated[
    list[str] | None,
    typer.Option(autocompletion=complete_filters, help="KEY=VALUE, e.g. doc=report.pdf; may be repeated."),
]
ExactWordsOption = Annotated[
    bool,
    typer.Option(
        "--exact-words", help='Every word must be on the page. (A "phrase" and a -word count without this too.)'
    ),
]
