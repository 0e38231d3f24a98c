"""What a shell completes: documents, pipelines, models and cascades.

It is quick, since it reads files alone and loads no engine; it is silent, whatever is wrong; and it writes nothing.
Typer speaks to the shells. That bash splits words at `=`, and takes what it gets without quotes, is mended here.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import typer

from vrag.settings import INDEX_FILE, data_dir, find_index

_VARIABLE = "_VRAG_COMPLETE"
_SEPARATOR = "="
# zsh evaluates what it is given, so a document whose name could end a quotation there is never offered.
_UNSAFE = re.compile("[\\\\'\"`$\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_PLAIN = re.compile(r"[^\w./,+@%:=-]")  # what bash must not see without a backslash
_MOST = 1000  # names that are offered at once
_CASCADES = ("best", "exact", "three-stage", "two-stage")  # where no index says which it has


def is_completing() -> bool:
    """Whether a shell asks for completions."""
    return os.environ.get(_VARIABLE, "").startswith("complete_")


def complete(answer: Callable[[], object]) -> tuple[int, str]:
    """The exit code and what the shell reads.

    Args:
        answer: Prints what typer says, and ends as typer ends it.
    """
    is_bash = os.environ[_VARIABLE] == "complete_bash"
    prefix = _rejoin() if is_bash else None
    said = io.StringIO()
    code = 0
    with redirect_stdout(said), redirect_stderr(io.StringIO()):
        try:
            answer()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        except BaseException:  # noqa: BLE001 - a person in the middle of a line wants no traceback
            return 1, ""
    lines = said.getvalue().splitlines()
    return code, "".join(f"{_for_bash(line, prefix) if is_bash else line}\n" for line in lines)


def complete_documents(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of documents."""
    return _safe(_documents(ctx), incomplete)


def complete_filters(ctx: typer.Context, incomplete: str) -> list[str]:
    """`doc=` with names of documents."""
    return _safe((f"doc={name}" for name in _documents(ctx)), incomplete)


def complete_pages(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of documents, each before the first page."""
    return _safe((f"{name}:1" for name in _documents(ctx)), incomplete)


def complete_pipelines(incomplete: str) -> list[str]:
    """Names of the pipelines that come with vrag."""
    return _safe(sorted(file.stem for file in data_dir("pipelines").glob("*.toml")), incomplete)


def complete_models(incomplete: str) -> list[str]:
    """Names of known models."""
    from vrag.embedders.models import MODELS

    return _safe((model.name for model in MODELS), incomplete)


def complete_cascades(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of the cascades of the index, else those that most indexes have."""
    names: Iterable[str] = _CASCADES
    with suppress(Exception):
        facts = json.loads((_folder(ctx) / INDEX_FILE).read_bytes())
        names = sorted({"exact", *facts["pipeline"]["table"]["cascades"]})
    return _safe(names, incomplete)


def _documents(ctx: typer.Context) -> list[str]:
    from vrag.places.known_names import read_names

    with suppress(Exception):
        return read_names(_folder(ctx))
    return []


def _folder(ctx: typer.Context) -> Path:
    """Folder of the index that the command would work on.

    Raises:
        LookupError: It is on a server.
        UsageError: There is none.
    """
    chosen: dict[str, Any] = ctx.params
    index = chosen.get("index")
    if chosen.get("url") or (index is None and os.environ.get("QDRANT_URL")):
        raise LookupError("a server")
    return find_index(Path(index) if index else None)


def _safe(names: Iterable[str], incomplete: str) -> list[str]:
    return list(_begun(names, incomplete))[:_MOST]


def _begun(names: Iterable[str], incomplete: str) -> Iterator[str]:
    return (name for name in names if name.startswith(incomplete) and not _UNSAFE.search(name))


def _rejoin() -> str | None:
    """Put together the words that bash has split at `=`.

    Returns:
        What of the word to complete bash leaves as it is; None where that is quoted, so that bash has split nothing.
    """
    words, at = os.environ.get("COMP_WORDS", "").split("\n"), int(os.environ.get("COMP_CWORD") or 0)
    joined, current, prefix = words[:1], 0, ""
    for number, (before, word) in enumerate(zip(words, words[1:], strict=False), 1):
        is_end = number > 1 and _SEPARATOR in (before, word)
        if number == at:
            current = len(joined) - is_end
            prefix = joined[-1] + word * (word == _SEPARATOR) if is_end else ""
        if is_end:
            joined[-1] += word
        else:
            joined.append(word)
    os.environ["COMP_WORDS"], os.environ["COMP_CWORD"] = "\n".join(joined), str(current)
    return None if at < len(words) and words[at][:1] in ("'", '"') else prefix


def _for_bash(name: str, prefix: str | None) -> str:
    """What bash puts in the place of the word, or of its end behind a `=`."""
    if prefix is None:
        return name
    return _PLAIN.sub(lambda found: f"\\{found[0]}", name.removeprefix(prefix))
