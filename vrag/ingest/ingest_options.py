"""How an ingest treats what it finds."""

from __future__ import annotations

from dataclasses import dataclass, field

from vrag.ingest.metadata_files import Given
from vrag.settings import passwords


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How an ingest treats what it knows.

    Args:
        check: Hash every file, even where size, time of change and inode say that it is the same.
        retry: Try again what has failed before.
        may_be_empty: Whether folders without any document are welcome.
        given: Metadata for the documents of the run.
        passwords: For encrypted PDFs, besides those in the environment; never stored.
        max_memory: Bytes that all processes together may take; None for a share of the machine's.
    """

    check: bool = False
    retry: bool = False
    may_be_empty: bool = False
    given: Given = field(default_factory=Given)
    passwords: tuple[str, ...] = field(default=(), repr=False)
    max_memory: int | None = None

    @property
    def all_passwords(self) -> tuple[str, ...]:
        """Those given, and those in the environment."""
        return passwords(self.passwords)
