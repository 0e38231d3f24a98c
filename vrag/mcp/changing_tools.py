"""Tools that change an index: files of given folders are indexed, documents are removed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vrag.errors import UsageError
from vrag.ingest.report import IngestReport, Progress
from vrag.mcp.call_bounds import MOST_FAILURES
from vrag.mcp.tool_answers import IngestedFiles, RemovedDocuments
from vrag.pages.files import find_files
from vrag.remote.remote_index import RemoteIndex
from vrag.runtime.pathtext import quoted, shown, to_stored
from vrag.runtime.units import counted

if TYPE_CHECKING:
    from vrag.remote.any_index import AnyIndex


class Roots:
    """The folders whose files may be indexed.

    Args:
        folders: On this machine.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = [Path(os.path.abspath(folder)) for folder in folders]
        self._real = [Path(os.path.realpath(folder)) for folder in folders]

    def files(self, names: Sequence[str]) -> tuple[list[Path], int]:
        """The documents at and below paths, and how many were left out since a link leads out of the folders.

        Args:
            names: Paths, absolute or below one of the folders; all of the folders when there are none.

        Raises:
            UsageError: A path is outside, or there is no document at it.
        """
        named = [self._find(name) for name in names] or self._folders
        try:
            found = find_files(named)
        except UsageError as error:
            raise UsageError(self._below(error.message), error.hint) from error
        inside = [file for file in found if self._holds(file)]
        return inside, len(found) - len(inside)

    def name(self, path: str) -> str:
        """A path as it is called below its folder."""
        inside = [Path(path).relative_to(one) for one in self._folders if Path(path).is_relative_to(one)]
        return shown(str(inside[0]) if inside else Path(path).name)

    def _below(self, message: str) -> str:
        """A message whose paths begin below the folders: an assistant is not told where these are."""
        for folder in map(str, self._folders):
            message = message.replace(shown(folder) + os.sep, "").replace(shown(folder), os.path.basename(folder))
        return message

    def _find(self, name: str) -> Path:
        if "\0" in name:
            raise UsageError(f"{quoted(name)} is no path.")
        tried = [Path(os.path.abspath(folder / name)) for folder in self._folders]  # an absolute name stays as it is
        inside = [path for path in tried if self._holds(path)]
        if not inside:
            raise UsageError(
                f"{quoted(name)} is outside of the folders that may be indexed.", "Name a path below them."
            )
        return next((path for path in inside if os.path.exists(path)), inside[0])

    def _holds(self, path: Path) -> bool:
        """Whether a file really lies in one of the folders, wherever links lead."""
        real = Path(os.path.realpath(path))
        return any(real.is_relative_to(folder) for folder in self._real)


def ingest(index: AnyIndex, roots: Roots, paths: Sequence[str], progress: Progress) -> IngestedFiles:
    """Index files.

    Args:
        index: Gets their pages.
        roots: Where they may lie.
        paths: Files and folders; all of the roots when there are none.
        progress: Told of every step; what it raises ends the work, and what is done is kept.

    Raises:
        UsageError: A path is outside or missing, or the index is on a machine that does not have these files.
    """
    if index.path is None and isinstance(index, RemoteIndex):
        raise UsageError("The service that holds the index reads files of its own machine.", "Ingest them there.")
    files, left_out = roots.files(paths)
    if not files:
        raise UsageError("Links lead out of the folders that may be indexed.", "Name files that lie in them.")
    report = index.ingest(files, progress=progress)
    note = f"{counted(left_out, 'file')} left out: links lead out of the folders." if left_out else ""
    return IngestedFiles(
        added_pages=report.added, unchanged_pages=report.unchanged, failed=_failures(report, roots), note=note
    )


def remove(index: AnyIndex, names: Sequence[str]) -> RemovedDocuments:
    """Remove documents; their files stay.

    Raises:
        UsageError: There is no document of a name, or none is named.
    """
    if not names:  # which would be all of them
        raise UsageError("No document is named.", "list_documents says what they are called.")
    chosen = index.find_documents(names)
    labels = index.documents.labels([document.doc_id for document in chosen])
    index.remove(chosen)
    removed = [to_stored(labels[document.doc_id][0]) for document in chosen if document.doc_id in labels]
    return RemovedDocuments(removed=removed, pages=sum(document.pages for document in chosen))


def _failures(report: IngestReport, roots: Roots) -> list[str]:
    lines = [
        f"{roots.name(one.path)}{f', page {one.page}' if one.page else ''}: {one.reason}"
        for one in report.failed[:MOST_FAILURES]
    ]
    more = len(report.failed) - len(lines)
    return [*lines, f"and {more} more"] if more else lines
