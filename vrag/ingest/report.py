"""What an ingest did, and what it tells while it runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from vrag.catalog.failures import Failure


@dataclass(slots=True)
class IngestReport:
    """What an ingest did.

    Args:
        documents: Documents of this run that are in the index; files of equal content are one.
        copies: Files of this run beyond the first of each document.
        added: Pages embedded by this run.
        unchanged: Pages that were there already.
        removed: Documents removed because their files are gone.
        failed: What could not be indexed.
        left_out: Files in folders that LibreOffice would have to print, which is not installed, by kind: "docx".
        seconds: Wall time.
        timing: Seconds by stage (`vrag.runtime.timing`); stages overlap, so that they may add up to more than
            `seconds`. What the main thread waited for is "wait for pages" and "wait for store".
        workers: Processes that read pages; 0 when a cluster did.
        languages: Pages of this run by the language that they are likely of.
        index: Folder of the index.
    """

    index: str
    documents: int = 0
    copies: int = 0
    added: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: list[Failure] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    timing: dict[str, float] = field(default_factory=dict)
    workers: int = 0
    languages: dict[str, int] = field(default_factory=dict)

    @property
    def pages(self) -> int:
        """Pages of this run's documents that are in the index."""
        return self.added + self.unchanged

    def to_json(self) -> dict[str, Any]:
        """The report as docs/reference/json.md has it."""
        keys = ("documents", "copies", "pages", "added", "unchanged", "removed")
        counts = {key: getattr(self, key) for key in keys}
        failed = [asdict(failure) for failure in self.failed]
        timing = {stage: round(seconds, 3) for stage, seconds in self.timing.items()}
        return {
            **counts,
            "failed": failed,
            "left_out": self.left_out,
            "seconds": round(self.seconds, 3),
            "index": self.index,
            "timing": timing,
        }

    def unreadable_folder(self, error: OSError) -> None:
        """Take down a folder that could not be listed."""
        reason = f"The folder cannot be listed: {error.strerror}."
        self.failed.append(Failure(str(error.filename), None, reason, "Check its permissions."))

    def leave_out(self, path: Path) -> None:
        """Count a file that cannot be printed here."""
        kind = path.suffix.lower()[1:]
        self.left_out[kind] = self.left_out.get(kind, 0) + 1

    def seems_to_be(self, language: str) -> None:
        """Count a page in a language."""
        self.languages[language] = self.languages.get(language, 0) + 1


class Progress(Protocol):
    """What an ingest tells while it runs."""

    def looking(self, files: int) -> None:
        """Files are about to be read and counted."""

    def looked(self) -> None:
        """One more file is counted."""

    def embedding(self, pages: int) -> None:
        """This many pages are about to be embedded."""

    def reading(self, path: Path, page: int) -> None:
        """This page is waited for."""

    def read(self, slow: bool) -> None:
        """It has come; it is slow when its text had to be recognised."""

    def page(self, ok: bool) -> None:
        """One more page is in the index, or has failed."""


class Silent:
    """Progress that nobody watches."""

    def looking(self, files: int) -> None:
        """Nothing."""

    def looked(self) -> None:
        """Nothing."""

    def embedding(self, pages: int) -> None:
        """Nothing."""

    def reading(self, path: Path, page: int) -> None:
        """Nothing."""

    def read(self, slow: bool) -> None:
        """Nothing."""

    def page(self, ok: bool) -> None:
        """Nothing."""
