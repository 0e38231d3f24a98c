"""One call of a tool at work: in a thread, so that others are answered meanwhile, until it is done or taken back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import CapacityLimiter, from_thread, to_thread
from anyio.lowlevel import current_token
from mcp.server.mcpserver.exceptions import ToolError

from vrag.errors import UnknownDocumentError, VragError
from vrag.ingest.report import Silent
from vrag.mcp.call_bounds import MOST_CALLS
from vrag.runtime.stopping import Stop, stoppable

if TYPE_CHECKING:
    from mcp.server.mcpserver import Context

Done = TypeVar("Done")
_LIST = "list_documents lists the documents."


class TakenBackError(Exception):
    """Nobody waits for the answer any more."""


class ToolCalls:
    """The calls under way; each one's thread is told to stop when whoever made it takes it back or goes away."""

    def __init__(self) -> None:
        self._places = CapacityLimiter(MOST_CALLS)

    async def run(self, work: Callable[[], Done], stop: Stop) -> Done:
        """What the work comes to.

        Args:
            work: Done in a thread.
            stop: Set when nobody waits for it any more.

        Raises:
            ToolError: It failed, and why.
        """

        def at_work() -> Done:
            with stoppable(stop):
                return work()

        try:
            return await to_thread.run_sync(at_work, abandon_on_cancel=True, limiter=self._places)
        except VragError as error:
            raise ToolError(_for_assistants(error)) from error
        except OSError as error:
            raise ToolError(f"The system says no: {error.strerror or 'a file cannot be used'}.") from error
        finally:
            stop.set()


def _for_assistants(error: VragError) -> str:
    """What went wrong, and what to do about it with tools instead of commands."""
    hint = error.hint or (_LIST if isinstance(error, UnknownDocumentError) else "")
    return " ".join(filter(None, (error.message, *error.details, hint)))


class ToldSteps(Silent):
    """The progress of work, told to the assistant step by step; it ends the work that was taken back.

    It is made in the event loop; any thread may tell it something.

    Args:
        context: Of the call.
        stop: Of its work.
    """

    def __init__(self, context: Context[Any, Any], stop: Stop) -> None:
        self._context = context
        self._stop = stop
        self._loop = current_token()
        self._done = self._total = 0

    def looking(self, files: int) -> None:
        """Files are about to be looked at."""
        self._tell(f"Looking at files: {files}")

    def looked(self) -> None:
        """One more was."""
        self.check()

    def embedding(self, pages: int) -> None:
        """Pages are about to be embedded."""
        self._total = pages
        self._tell(f"Indexing pages: {pages}")

    def reading(self, path: Path, page: int) -> None:
        """A page is waited for."""
        self.check()

    def page(self, ok: bool) -> None:
        """One more is in the index, or has failed; told by the thread that writes, which is not stopped."""
        self._done += 1
        self.tell(self._done, self._total, "")

    def tell(self, done: float, total: float | None, message: str) -> None:
        """Say how far the work is, to whoever wants to know; nobody may be there any more."""
        if not self._stop.is_set:
            with suppress(RuntimeError):  # the loop has ended
                from_thread.run(self._context.report_progress, done, total, message or None, token=self._loop)

    def check(self) -> None:
        """Look whether the work is still wanted.

        Raises:
            TakenBackError: It is not.
        """
        if self._stop.is_set:
            raise TakenBackError

    def _tell(self, message: str) -> None:
        self.check()
        self.tell(self._done, self._total or None, message)
