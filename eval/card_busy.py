"""How busy a card is, asked again and again while something runs."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from statistics import fmean

EVERY_S = 0.25  # between two looks
Read = Callable[[], float]


class Busy:
    """Asks in a thread how busy the card is, from `with` on.

    Args:
        read: Gives percent; None where nobody tells.
    """

    def __init__(self, read: Read | None) -> None:
        self._read = read
        self._found: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def share(self) -> float | None:
        """Mean of what was seen, 0 to 1."""
        return round(fmean(self._found) / 100, 3) if self._found else None

    def _watch(self) -> None:
        while self._read and not self._stop.wait(EVERY_S):
            with suppress(OSError, ValueError, RuntimeError, subprocess.SubprocessError):
                self._found.append(float(self._read()))

    def __enter__(self) -> Busy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def reader(device: str) -> Read | None:
    """What tells how busy a card is, in percent: torch (with pynvml), or nvidia-smi; None without either."""
    import torch

    if not device.startswith("cuda"):
        return None
    ways: tuple[Callable[[], Read], ...] = (
        lambda: partial(torch.cuda.utilization, device),
        lambda: partial(by_nvidia_smi, f"GPU-{torch.cuda.get_device_properties(device).uuid}"),
    )
    for way in ways:
        with suppress(Exception):  # pynvml's errors have no base but this that is there without it
            read = way()
            read()
            return read
    return None


def by_nvidia_smi(card: str) -> float:
    """Percent of time that the card with this UUID was at work lately."""
    command = ["nvidia-smi", f"--id={card}", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    return float(subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout)
