"""The one error tree: every failure a user can meet is a `VragError` with a sentence and a remedy."""

from __future__ import annotations

from collections.abc import Sequence


class VragError(Exception):
    """What went wrong, and what to do about it.

    Args:
        message: One sentence: what was wrong and where, with the values that clash.
        hint: What to do next; empty when the message already says it.
        details: Lines between the two, one a problem, where several things were wrong at once.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "", details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = tuple(details)

    def __str__(self) -> str:
        return " ".join(filter(None, ("\n".join((self.message, *self.details)), self.hint)))


class UsageError(VragError):
    """An argument that cannot be used: exit code 2."""

    exit_code = 2


class UnknownDocumentError(UsageError):
    """A document that the index does not have; how those it has are listed, every door says in its own words."""


class IndexExistsError(UsageError):
    """An index cannot be made where there is one: also when another process was quicker."""


class PageError(VragError):
    """A file or page that cannot be turned into a `Page`; the other pages go on."""


class EncryptedError(PageError):
    """A file that none of the passwords at hand opens; with another one it may be read."""


class ModelError(VragError):
    """A model that cannot be found, loaded or trusted."""


class LlmError(VragError):
    """A language model that is not there, refuses, or gives no answer that can be used."""


class StoreError(VragError):
    """The vector store refused or failed."""


class BusyError(StoreError):
    """Somebody else has the index open; it can be had once they are done."""


class ServedError(BusyError):
    """A service has the index open, for others to use it through the service; it cannot be had alone."""


class IndexMismatchError(VragError):
    """The index was made by another model, pipeline or format than the one in use."""


def is_panic(error: BaseException) -> bool:
    """Whether a native library gave up in the middle: its error is no `Exception`, and its class is not to be had."""
    return type(error).__module__ == "pyo3_runtime"
