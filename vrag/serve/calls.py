"""What an index that is held here answers to other processes: the calls of `vrag.remote.remote_index`, by name."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from io import BytesIO
from typing import Any

from vrag.ask.following import History
from vrag.catalog.documents import Document
from vrag.errors import StoreError, UsageError, VragError, is_panic
from vrag.index import Index
from vrag.pipeline.pipeline import make_pipeline
from vrag.remote.remote_index import MOST_QUERIES
from vrag.remote.wire import error_to_wire, loads
from vrag.serve.jobs import CancelledError, Job
from vrag.serve.service import Service
from vrag.upkeep.copying import CopyProgress
from vrag.version import __version__

_QUALITY = 90  # of a JPEG
Call = Callable[..., Any]
_log = logging.getLogger(__name__)


def _computed(method: Call) -> Call:
    """A method of an open index as a call that takes one of the service's places for work of the CPU."""

    @wraps(method)
    def call(service: Service, *arguments: Any, **named: Any) -> Any:
        with service.searching():
            return method(service.index, *arguments, **named)

    return call


def ask(service: Service, question: str, k: int, where: Sequence[str], history: History = ()) -> Any:
    """As `Index.ask`, in quotes alone: who wants a model to answer asks it himself."""
    with service.searching():
        return service.index.ask(question, k, where, None, history)


@wraps(Index.search_many)
def search_many(service: Service, queries: Sequence[str], *arguments: Any, **named: Any) -> Any:
    """As `Index.search_many`, of no more queries than a call may have."""
    if not isinstance(queries, list) or len(queries) > MOST_QUERIES:
        raise UsageError(f"A call searches for a list of {MOST_QUERIES} queries at most.")
    with service.searching():
        return service.index.search_many(queries, *arguments, **named)


def search_image(service: Service, picture: bytes, k: int, cascade: str | None, where: Sequence[str]) -> Any:
    """As `Index.search_image`, of bytes: a path would be one of this machine, which is no business of whoever asks."""
    if not isinstance(picture, bytes):
        raise UsageError("A picture is sent as its bytes.")
    page = service.index.read_image(picture)  # by another process: nobody who searches waits for it
    with service.searching():
        return service.index.search_read(page, k, cascade, where)


def page_image(service: Service, doc: str, page: int, passwords: Sequence[str]) -> Any:
    """Width, height and the bytes of the page's RGB picture."""
    image = service.index.page_image(doc, page, passwords)
    return image.size, image.tobytes()


def page_jpeg(service: Service, doc: str, page: int, passwords: Sequence[str], width: int) -> bytes:
    """The whole page as JPEG, `width` pixels wide at most."""
    buffer = BytesIO()
    service.index.page_image(doc, page, passwords, width=width).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def differences(service: Service, name: str, table: Mapping[str, Any]) -> Any:
    """As `Index.differences`, of a pipeline's table."""
    return service.index.differences(make_pipeline(name, table, name))


def remove(service: Service, documents: list[Document]) -> Job:
    """As `Index.remove`."""
    return service.remove(documents)


def repool(service: Service, name: str, table: Mapping[str, Any], listener: CopyProgress | None = None) -> Job:
    """As `Index.repool`, of a pipeline's table."""
    return service.repool(make_pipeline(name, table, name), listener)


# Answered at once; whatever else a process may ask of an index is a job of `LONG`.
SHORT: Mapping[str, Call] = {
    "search": _computed(Index.search),
    "search_many": search_many,
    "search_like": _computed(Index.search_like),
    "search_image": search_image,
    "ask": ask,
    "explain": _computed(Index.explain),
    "snippet": _computed(Index.snippet),
    "matches": _computed(Index.matches),
    "embed_query_tokens": _computed(Index.embed_query_tokens),
    "page_image": page_image,
    "page_jpeg": page_jpeg,
    "page_words": lambda service, doc, page: service.index.page_words(doc, page),
    "page_text": lambda service, doc, page: service.index.page_text(doc, page),
    "page_source": lambda service, doc, page: service.index.page_source(doc, page),
    "vectors": lambda service, doc, page, name: service.index.vectors(doc, page, name),
    "differences": differences,
    "documents": lambda service: service.index.documents.all(),
    "document_count": lambda service: service.index.documents.count(),
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
    "server_state": lambda service: service.index.server_state(),
    "lost": lambda service: service.index.lost,
}
LONG: Mapping[str, Callable[..., Job]] = {
    "ingest": Service.ingest,
    "forget": Service.forget,
    "remove": remove,
    "verify": Service.verify,
    "compact": Service.compact,
    "repool": repool,
}
_TELLING = ("ingest", "repool")  # of which somebody hears every step


def outcome(work: Callable[[], Any]) -> dict[str, Any]:
    """What a call came to, as `vrag.remote.channel` reads it: a result, an error, or that it was stopped."""
    try:
        return {"result": work()}
    except CancelledError as cancelled:
        return {"cancelled": cancelled.args[0] if cancelled.args else None}
    except VragError as error:
        return {"error": error_to_wire(error)}
    except OSError as error:  # a folder that cannot be written, a disk that is full
        where = error.filename or "no file named"
        return {"error": error_to_wire(VragError(f"{error.strerror or error}: {where}."))}
    except BaseException as error:  # noqa: BLE001 - one call that fails must not end the service
        _log.exception("A call failed")
        panic = "A native library gave up" if is_panic(error) else "The service failed"
        return {"error": error_to_wire(VragError(f"{panic}: {error}.", "The log of the service says more."))}


def asked_of(line: bytes) -> Mapping[str, Any]:
    """The call of a line.

    Raises:
        UsageError: It is none.
    """
    try:
        asked = loads(line)
    except StoreError as error:
        raise UsageError("That is no call that this version knows.", "Use one version of vrag.") from error
    if not isinstance(asked, dict):
        raise UsageError("That is no call.")
    return asked


def arguments_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call of this version, which writes its records as this one does.

    Raises:
        UsageError: It is of another version, or no call.
    """
    if asked.get("version") != __version__:
        hint = f"Use vrag {__version__}, or start the service anew with yours."
        raise UsageError(f"The service is vrag {__version__}, and you are {asked.get('version')}.", hint)
    arguments = asked.get("arguments")
    if not isinstance(arguments, dict):
        raise UsageError("That is no call.")
    return arguments


def answer(service: Service, name: str, arguments: Mapping[str, Any]) -> Any:
    """What a short call answers.

    Raises:
        UsageError: There is no such call, or it has other arguments.
    """
    return _bound(SHORT, name, service, arguments)()


def begin(service: Service, name: str, arguments: Mapping[str, Any], listener: Any = None) -> Job:
    """The job that a long call asks for.

    Args:
        service: Does it.
        name: Of the call.
        arguments: Of the call.
        listener: Told of every step, where the work has any.

    Raises:
        UsageError: The call has other arguments.
    """
    told = {"listener": listener} if name in _TELLING else {}
    job: Job = _bound(LONG, name, service, {**arguments, **told})()
    return job


def found(job: Job) -> Any:
    """What a job that has ended found.

    Raises:
        CancelledError: It was stopped; with what it found until then.
        Exception: As it was raised in the job.
    """
    if job.status().state == "cancelled":
        raise CancelledError(job.found)
    if job.failure is not None:
        raise job.failure
    return job.found


def _bound(calls: Mapping[str, Call], name: str, service: Service, arguments: Mapping[str, Any]) -> Call:
    try:
        call = calls[name]
        inspect.signature(call).bind(service, **arguments)
    except (KeyError, TypeError) as error:
        raise UsageError(
            f"The service does not know the call {name!r}: {error}.", "Use one version of vrag."
        ) from error
    return partial(call, service, **arguments)
