"""Memory of a process, as Linux counts it."""

from __future__ import annotations

from pathlib import Path


def resident(pid: int | str = "self") -> dict[str, int]:
    """Bytes of a process's memory by kind: `RssAnon` has no file behind it, `RssFile` has. 0 where nobody counts."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    found = {line.split(":")[0]: int(line.split()[1]) << 10 for line in lines if line.startswith("Rss")}
    return {"RssAnon": 0, "RssFile": 0, **found}
