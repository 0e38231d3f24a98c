"""How a server lays a collection out: the `[server]` table of a pipeline. An embedded index has no use for it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

QUANTIZATIONS = ("none", "scalar", "binary")


@dataclass(frozen=True, slots=True)
class ServerLayout:
    """Settings of a collection that only a server knows.

    Args:
        shards: Parts that the nodes of a cluster share out among themselves.
        replication: Copies of each shard, on different nodes.
        write_consistency: Copies that must have a write before it is acknowledged.
        on_disk: Keep the `full` vectors on disk and read them when a last stage needs them.
        quantization: One of `QUANTIZATIONS`, of the pooled vectors, in memory beside the originals.
    """

    shards: int = 1
    replication: int = 1
    write_consistency: int = 1
    on_disk: bool = True
    quantization: str = "none"

    def to_table(self) -> dict[str, int | bool | str]:
        """The table that says this, as a pipeline has it."""
        return dataclasses.asdict(self)
