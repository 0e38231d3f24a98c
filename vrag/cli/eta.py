"""How long an ingest still takes: by what pages have cost so far, and pages without a text layer cost many times more.

Pure: times come in, so that it can be tried on recorded runs. Pages arrive in order, and the time between two is what
the later one cost the run. What is left is taken for the mix seen so far, and for some scans more as long as little has
been seen: an estimate may then be too long, which is better than "one second" with minutes to go.
"""

from __future__ import annotations

_LEAST_PAGES, _LEAST_S = 8, 5.0  # of evidence before anything is said
_PRIOR_PAGES, _PRIOR_SLOW = 20, 0.2  # pages taken as seen before the first one, and the share of scans among them
_SLOWER = 10.0  # times as long a scan takes, until one was timed


class Remaining:
    """Seconds left of a run over a number of pages.

    Args:
        pages: Pages of the run.
    """

    def __init__(self, pages: int) -> None:
        self._pages = pages
        self._seen = {True: 0, False: 0}
        self._seconds = {True: 0.0, False: 0.0}
        self._timed = {True: 0, False: 0}
        self._first = self._last = 0.0

    def read(self, now: float, slow: bool) -> None:
        """One more page has arrived.

        Args:
            now: Seconds on any clock.
            slow: Whether its text had to be recognised.
        """
        if self._read == 0:
            self._first = now  # what came before is the start of the processes
        else:
            self._seconds[slow] += now - self._last
            self._timed[slow] += 1
        self._last = now
        self._seen[slow] += 1

    def seconds(self) -> float | None:
        """Seconds from the last page's arrival to the end; None without evidence, or when every page has arrived."""
        left = self._pages - self._read
        if left <= 0 or self._read < _LEAST_PAGES or self._last - self._first < _LEAST_S:
            return None
        slow = (self._seen[True] + _PRIOR_SLOW * _PRIOR_PAGES) / (self._read + _PRIOR_PAGES)
        return left * (slow * self._cost(True) + (1 - slow) * self._cost(False))

    @property
    def _read(self) -> int:
        return self._seen[True] + self._seen[False]

    def _cost(self, slow: bool) -> float:
        """Seconds a page of a kind takes; from the other kind while none was timed."""
        if self._timed[slow]:
            return self._seconds[slow] / self._timed[slow]
        other = self._seconds[not slow] / max(self._timed[not slow], 1)
        return other * _SLOWER if slow else other / _SLOWER


def in_words(seconds: float | None) -> str:
    """An estimate as rough as it is; empty for none."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"about {max(10, round(seconds, -1)):.0f} s left"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} min left"
    return f"about {seconds / 3600:.1f} hours left"
