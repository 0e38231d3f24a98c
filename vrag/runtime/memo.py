"""Values that were read once and are kept until what they follow from changes, for many threads at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Memo(Generic[T]):
    """Values by key.

    An answer is made of what this very call knew or read, so another thread may make the memo forget at any moment;
    what was read before that moment is given to who asked for it, and is not kept.

    Args:
        most: Values kept, or the sum of their sizes; with more it begins anew.
        seconds: For which a value is kept at most, where what it follows from may change unheard of; None for ever.
        size: Of a value; one that is larger than `most` is not kept. None where each counts as 1.
    """

    def __init__(self, most: int, seconds: float | None = None, size: Callable[[T], int] | None = None) -> None:
        self._most = most
        self._seconds = seconds
        self._size = size
        self._held = 0  # of `most`
        self._since = time.monotonic()  # all values were read since then
        self._lock = threading.Lock()
        self._values: dict[str, T] = {}
        self._generation = 0
        self._changes = 0  # under way

    def get(self, keys: Sequence[str], read: Callable[[Sequence[str]], Mapping[str, T]]) -> dict[str, T]:
        """Values of the keys, each key once; those that `read` does not give are left out, and not kept.

        Args:
            keys: Wanted, may repeat.
            read: Called at most once, without a lock, for the keys whose values are not known.
        """
        wanted = list(dict.fromkeys(keys))
        if self._seconds is not None and time.monotonic() - self._since >= self._seconds:
            self.forget()
        with self._lock:
            generation = self._generation
            known = {} if self._changes else {key: self._values[key] for key in wanted if key in self._values}
        missing = [key for key in wanted if key not in known]
        if missing:
            found = read(missing)
            self._keep(found, generation)
            known.update(found)
        return known

    def forget(self) -> None:
        """Read again what is asked for from now on; to be called after the change, whether or not it succeeded."""
        with self._lock:
            self._generation += 1
            self._values, self._held = {}, 0
            self._since = time.monotonic()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """What values follow from changes while the block runs, at any moment: nothing is answered by what was kept."""
        with self._lock:
            self._changes += 1
        try:
            yield
        finally:
            with self._lock:
                self._changes -= 1
            self.forget()

    def _keep(self, found: Mapping[str, T], generation: int) -> None:
        sizes = {key: 1 if self._size is None else self._size(value) for key, value in found.items()}
        with self._lock:
            new = [key for key in found if key not in self._values] if generation == self._generation else []
            more = sum(sizes[key] for key in new)
            if more > self._most:
                return
            if self._held + more > self._most:
                self._values, self._held = {}, 0
            self._values.update((key, found[key]) for key in new)
            self._held += more
