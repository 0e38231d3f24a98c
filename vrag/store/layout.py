"""How a server lays a collection out: the `[server]` table of a recipe. An embedded index has no use for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vrag.errors import UsageError

QUANTIZATIONS = ("none", "scalar", "binary")


@dataclass(frozen=True, slots=True)
class ServerLayout:
    """Settings of a collection that only a server knows.

    Args:
        shards: Parts that the nodes of a cluster share out among themselves.
        replication: Copies of each shard, on different nodes.
        write_consistency: Copies that must have a write before it is acknowledged.
        on_disk: Keep the `full` vectors on disk and read them when a last stage needs them.
        quantization: Of the pooled vectors, kept in memory beside the originals.
    """

    shards: int = 1
    replication: int = 1
    write_consistency: int = 1
    on_disk: bool = True
    quantization: str = "none"

    @classmethod
    def from_table(cls, table: Mapping[str, Any], where: str) -> ServerLayout:
        """The layout of a recipe's `[server]` table.

        Raises:
            UsageError: An unknown key or a value that is not allowed; `where` names the file.
        """
        kinds = {"on_disk": bool, "quantization": str}
        for key, value in table.items():
            if key not in cls.__dataclass_fields__:
                raise UsageError(
                    f"{where}: unknown key server.{key!r}.", f"Allowed: {', '.join(cls.__dataclass_fields__)}."
                )
            kind = kinds.get(key, int)
            if type(value) is not kind or (isinstance(value, int) and kind is int and value < 1):
                raise UsageError(f"{where}: server.{key} = {value!r} must be {_WORDS[kind]}.")
        layout = cls(**table)
        if layout.quantization not in QUANTIZATIONS:
            allowed = f"Allowed: {', '.join(QUANTIZATIONS)}."
            raise UsageError(f"{where}: server.quantization = {layout.quantization!r} is not allowed.", allowed)
        if layout.write_consistency > layout.replication:
            problem = f"server.write_consistency = {layout.write_consistency} is more than server.replication"
            raise UsageError(f"{where}: {problem} = {layout.replication}.", "No write could ever be acknowledged.")
        return layout


_WORDS: Mapping[type, str] = {int: "a whole number of at least 1", bool: "true or false", str: "a word"}
