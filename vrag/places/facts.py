"""What an index says of itself: the pipeline and the model it was made by, kept beside its pages wherever they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vrag.embedders.protocol import Fingerprint
from vrag.errors import IndexMismatchError
from vrag.pipeline.pipeline import Pipeline, make_pipeline
from vrag.runtime.drafts import draft_file
from vrag.settings import INDEX_FILE

FORMAT = 2
MOST_CHARACTERS = 1 << 16  # of the facts as JSON: whoever holds a server may write what he likes there
MOST_DIM = 1 << 16


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one index.

    Args:
        pipeline: Name of its pipeline.
        table: The pipeline, as parsed from TOML.
        fingerprint: Of the model that made it.
        dim: Dimension d of its vectors.
    """

    pipeline: str
    table: Mapping[str, Any]
    fingerprint: Fingerprint
    dim: int

    def to_json(self) -> dict[str, Any]:
        """JSON values only; no address and no key is among them."""
        return {
            "format": FORMAT,
            "pipeline": {"name": self.pipeline, "table": dict(self.table)},
            "fingerprint": dict(self.fingerprint.facts),
            "dim": self.dim,
        }

    def to_pipeline(self, where: str) -> Pipeline:
        """The pipeline; `where` names file or collection in error messages.

        Raises:
            UsageError: It is not valid.
        """
        return make_pipeline(self.pipeline, self.table, where)

    def require_model(self, fingerprint: Fingerprint, where: str, hint: str) -> None:
        """Refuse vectors of another model than the one that made this index.

        Args:
            fingerprint: Of theirs.
            where: What the index is called.
            hint: What to do about it.

        Raises:
            IndexMismatchError: Every fact that differs is named.
        """
        if found := self.fingerprint.differences(fingerprint):
            raise IndexMismatchError(f"The index at {where} was made by another model: {'; '.join(found)}.", hint)

    def require_same(self, asked: Facts, where: str, hint: str, but: Sequence[str] = ()) -> None:
        """Refuse to take this index for another one.

        Args:
            asked: The other one's.
            where: What this index is called.
            hint: What to do about it.
            but: Keys that their pipelines may say differently.

        Raises:
            IndexMismatchError: Another model or pipeline made it.
        """
        self.require_model(asked.fingerprint, where, hint)
        for one in self.to_pipeline(where).differences(asked.to_pipeline(where)):
            if one.key not in but:
                raise one.error(where, hint)

    @classmethod
    def from_json(cls, value: Any, where: str) -> Facts:
        """Inverse of `to_json`.

        Args:
            value: As parsed from JSON.
            where: File or collection named in error messages.

        Raises:
            IndexMismatchError: The facts are damaged or of another format.
        """
        with _reading(where):
            if len(json.dumps(value)) > MOST_CHARACTERS:
                raise ValueError(f"it has more than {MOST_CHARACTERS} characters")
            known = value["format"]
            if known != FORMAT:
                raise IndexMismatchError(
                    f"{where} has format {str(known)[:20]}, this vrag reads format {FORMAT}.", _way_out(known)
                )
            pipeline, fingerprint = value["pipeline"], _table(value["fingerprint"])
            if not all(isinstance(fact, (str, int, float, bool)) for fact in fingerprint.values()):
                raise ValueError("a fact of its model is neither text nor number")
            return cls(_text(pipeline["name"]), _table(pipeline["table"]), Fingerprint(fingerprint), _dim(value["dim"]))


@contextmanager
def _reading(where: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise IndexMismatchError(f"{where} is damaged: {str(error)[:100]}.", "Ingest into a new place.") from error


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{str(value)[:20]!r} stands where a table belongs")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("its pipeline has no name")
    return value


def _dim(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MOST_DIM:
        raise ValueError(f"its vectors have dimension {str(value)[:20]}")
    return value


def _way_out(known: Any) -> str:
    is_newer = isinstance(known, int) and known > FORMAT
    return "Upgrade vrag." if is_newer else "It was made by an older vrag: ingest the files again into a new place."


def write_facts(folder: Path, facts: Facts) -> None:
    """Write `index.json` in one step: a folder with this file is a whole index."""
    with draft_file(folder / INDEX_FILE) as file:
        file.write((json.dumps(facts.to_json(), indent=2) + "\n").encode())
