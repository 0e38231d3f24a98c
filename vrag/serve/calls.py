"""What an index that is held here answers to other processes: the calls of `vrag.remote.remote_index`, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vrag.catalog.documents import Document
from vrag.errors import UsageError
from vrag.ingest.ingest_options import IngestOptions
from vrag.ingest.pruning import Gone
from vrag.ingest.report import Progress
from vrag.pipeline.pipeline import make_pipeline
from vrag.search.hit import Hit
from vrag.search.query_text import Words
from vrag.serve.jobs import Job
from vrag.serve.service import Service

Call = Callable[..., Any]


def search(service: Service, query: str, k: int, cascade: str | None, where: list[str], words: Words) -> Any:
    """As `Index.search`."""
    with service.searching():
        return service.index.search(query, k, cascade, where, words)


def explain(
    service: Service,
    query: str,
    doc: str | None,
    page: int | None,
    cascade: str | None,
    where: list[str],
    k: int,
    words: Words,
) -> Any:
    """As `Index.explain`."""
    with service.searching():
        return service.index.explain(query, doc, page, cascade, where, k, words)


def snippet(service: Service, query: str, hit: Hit) -> Any:
    """As `Index.snippet`."""
    with service.searching():
        return service.index.snippet(query, hit)


def matches(service: Service, query: str, hit: Hit) -> Any:
    """As `Index.matches`."""
    with service.searching():
        return service.index.matches(query, hit)


def page_image(service: Service, doc: str, page: int, passwords: Sequence[str]) -> Any:
    """Width, height and the bytes of the page's RGB picture."""
    image = service.index.page_image(doc, page, passwords)
    return image.size, image.tobytes()


def embed_query_tokens(service: Service, text: str) -> Any:
    """As `Index.embed_query_tokens`."""
    with service.searching():
        return service.index.embed_query_tokens(text)


def vectors(service: Service, doc: str, page: int, name: str) -> Any:
    """As `Index.vectors`."""
    return service.index.vectors(doc, page, name)


def differences(service: Service, name: str, table: Mapping[str, Any]) -> Any:
    """As `Index.differences`, of a pipeline's table."""
    return service.index.differences(make_pipeline(name, table, name))


def ingest(
    service: Service,
    paths: list[str],
    recursive: bool,
    renderer: str | None,
    workers: int | None,
    options: IngestOptions,
    ray: str | None,
    listener: Progress,
) -> Job:
    """As `Index.ingest`."""
    return service.ingest(paths, recursive, renderer, workers, options, ray, listener)


def forget(service: Service, gone: list[Gone]) -> Job:
    """As `Index.forget`."""
    return service.forget(gone)


def remove(service: Service, documents: list[Document]) -> Job:
    """As `Index.remove`."""
    return service.remove(documents)


def verify(service: Service, repair: bool) -> Job:
    """As `Index.verify`."""
    return service.verify(repair)


def compact(service: Service) -> Job:
    """As `Index.compact`."""
    return service.compact()


# Answered at once; whatever else a process may ask of an index is a job of `LONG`.
SHORT: Mapping[str, Call] = {
    "search": search,
    "explain": explain,
    "snippet": snippet,
    "matches": matches,
    "page_image": page_image,
    "embed_query_tokens": embed_query_tokens,
    "vectors": vectors,
    "differences": differences,
    "documents": lambda service: service.index.documents.all(),
    "document": lambda service, doc_id: service.index.documents.get(doc_id),
    "labels": lambda service, doc_ids: service.index.documents.labels(doc_ids),
    "find_documents": lambda service, docs, where: service.index.find_documents(docs, where),
    "failures": lambda service: service.index.failures(),
    "gone": lambda service, paths: service.index.gone(paths),
    "pipeline": lambda service: (service.index.pipeline.name, service.index.pipeline.source),
    "default_cascade": lambda service: service.index.pipeline.default_cascade,
    "model_name": lambda service: service.index.model_name,
    "fingerprint": lambda service: service.index.fingerprint,
    "page_count": lambda service: service.index.page_count,
    "disk_bytes": lambda service: service.index.disk_bytes,
    "lost": lambda service: service.index.lost,
}
LONG: Mapping[str, Callable[..., Job]] = {
    "ingest": ingest,
    "forget": forget,
    "remove": remove,
    "verify": verify,
    "compact": compact,
}


def answer(service: Service, name: str, arguments: Mapping[str, Any]) -> Any:
    """What a short call answers.

    Raises:
        UsageError: There is no such call, or it has other arguments.
    """
    try:
        return SHORT[name](service, **arguments)
    except (KeyError, TypeError) as error:
        raise _unknown(name, error) from error


def begin(service: Service, name: str, arguments: Mapping[str, Any], listener: Progress) -> Job:
    """The job that a long call asks for.

    Raises:
        UsageError: The call has other arguments.
    """
    told = {"listener": listener} if name == "ingest" else {}
    return LONG[name](service, **arguments, **told)


def _unknown(name: str, error: Exception) -> UsageError:
    return UsageError(f"The service does not know the call {name!r}: {error}.", "Use the same version of vrag.")
