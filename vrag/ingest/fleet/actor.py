"""What runs on a Ray worker: one embedder and one page loader, asked for a few pages at a time."""

from __future__ import annotations

import hashlib
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

from vrag.embedders.each import embed_each
from vrag.embedders.families import load_embedder
from vrag.embedders.options import ModelOptions
from vrag.embedders.protocol import Fingerprint, PageVectors
from vrag.errors import PageError
from vrag.pages.page import Page, PageSpec
from vrag.pages.workers import PageWorkers
from vrag.runtime.timing import watching


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the model could not embed a page, in words: its own exceptions may not survive the way to the driver.

    Args:
        reason: What it raised, in its own words.
        trace: Where, as a traceback.
    """

    reason: str
    trace: str


Attempt = tuple[Page, PageVectors | Refused] | PageError


class PageActor:
    """Reads and embeds pages of documents whose bytes come with the request, so no disk need be shared.

    Args:
        model: Model id.
        spec: What is needed of a page.
        options: How the driver runs the model; which of several cards is taken is up to this worker, and the model,
            which the driver has, may be fetched.
    """

    def __init__(self, model: str, spec: PageSpec, options: ModelOptions) -> None:
        here = replace(options, device=options.device.split(":")[0], named=None)
        self._embedder = load_embedder(model, threads=1, options=here)
        self._workers = PageWorkers(spec, 1)  # what a document may take of this machine is bounded here, too
        self._folder = tempfile.TemporaryDirectory(prefix="vrag-ray-")
        self._last: tuple[str, Path] | None = None

    def fingerprint(self) -> Fingerprint:
        """The model's facts: every worker must have the driver's."""
        return self._embedder.fingerprint()

    def embed(self, data: bytes, suffix: str, numbers: Sequence[int]) -> list[Attempt]:
        """Pages of one document, in order, without their pictures; or why one cannot be read or embedded.

        Args:
            data: The document's bytes.
            suffix: Of its file name.
            numbers: Pages from 1.
        """
        path = self._file(data, suffix)
        read = [_outcome(future) for future in [self._workers.load(path, number) for number in numbers]]
        pages = [page for page in read if isinstance(page, Page)]
        with watching() as watch:
            vectors = iter([_told(found) for found in embed_each(self._embedder, pages)])
        cost = {stage: seconds / len(pages) for stage, seconds in watch.seconds().items()}
        return [page if isinstance(page, PageError) else (_sent(page, cost), next(vectors)) for page in read]

    def _file(self, data: bytes, suffix: str) -> Path:
        digest = hashlib.sha256(data).hexdigest()
        if self._last is None or self._last[0] != digest:
            if self._last is not None:
                self._last[1].unlink(missing_ok=True)
            path = Path(self._folder.name) / f"{digest[:16]}{suffix}"
            path.write_bytes(data)
            self._last = (digest, path)
        return self._last[1]


def _outcome(asked: Future[Page]) -> Page | PageError:
    try:
        return asked.result()
    except PageError as error:
        return error


def _told(found: PageVectors | Exception) -> PageVectors | Refused:
    if isinstance(found, Exception):
        return Refused(str(found), "".join(traceback.format_exception(found)))
    return found


def _sent(page: Page, cost: Mapping[str, float]) -> Page:
    """The page without its picture, and with what the model cost."""
    return replace(page, image=None, seconds={**page.seconds, **cost})
