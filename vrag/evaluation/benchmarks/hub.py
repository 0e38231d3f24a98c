"""Data sets of the hub, local mirrors of them, saved `datasets` folders and parquet files, as three tables.

Whatever the place, a benchmark there is a corpus, queries and judgements, each perhaps once a language; `Tables` finds
them and reads their rows, through the `datasets` package (the `[eval]` extra).
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from vrag.errors import VragError
from vrag.evaluation.benchmarks.rows import Row

if TYPE_CHECKING:
    from datasets import Dataset

_log = logging.getLogger(__name__)
KINDS = ("corpus", "queries", "qrels")
METADATA = "documents_metadata"
CACHED = "datasets"
_CONFIG = re.compile(rf"(?:(?P<language>\w+)-)?(?P<kind>{'|'.join(KINDS)})")
_SAVED = ("dataset_dict.json", "state.json")  # what `save_to_disk` writes into a dictionary's and a table's folder

Load = Callable[[], "Dataset"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of a data set, loaded when asked for.

    Args:
        place: Hub id or folder, for messages.
        loaders: Loads a table, by language ("" where tables are not by language) and kind.
        metadata: Loads a table of documents, where there is one.
    """

    place: str
    loaders: Mapping[tuple[str, str], Load]
    metadata: Load | None = None

    @property
    def languages(self) -> list[str]:
        """Languages that have tables of their own; [""] where all share them."""
        return sorted({language for language, _ in self.loaders})

    def load(self, kind: str, language: str = "") -> Dataset:
        """A table; pictures are left as the bytes they are stored as.

        Raises:
            VragError: There is no such table.
        """
        loader = self.loaders.get((language, kind)) or self.loaders.get(("", kind))
        if loader is None:
            there = ", ".join(self.name(kind, language) for language, kind in self.loaders) or "none"
            raise VragError(
                f"{self.place} has no table {self.name(kind, language)!r}, only {there}.",
                f"A benchmark has {', '.join(KINDS)}; each may have a language before it, as in english-corpus.",
            )
        return _undecoded(loader())

    def rows(self, kind: str, language: str = "") -> Iterator[Row]:
        """The rows of a table."""
        place = f"{self.place}, {self.name(kind, language)}"
        for number, fields in enumerate(self.load(kind, language), 1):
            yield Row(place, number, fields, "row")

    def name(self, kind: str, language: str = "") -> str:
        """What a table is called."""
        return f"{language}-{kind}" if language else kind


_PATIENCE_S = 10.0  # for the hub to answer


def find_tables(place: str, split: str, cache: Path, revision: str | None = None) -> Tables:
    """The tables of the data set at `place`, a folder or a hub id.

    Args:
        place: Folder, or hub id.
        split: Split of every table.
        cache: Folder for what `datasets` makes of a folder's files.
        revision: Of the data set on the hub.

    Raises:
        VragError: `datasets` is not installed, or the data set cannot be read; the message says how to get it.
    """
    with _reading(place):
        folder = Path(place)
        if not folder.is_dir():
            _ask_once(place)
            return _from_configs(place, {"split": split, "revision": revision})
        if any((folder / name).is_file() for name in _SAVED):
            return _from_saved_dictionary(folder)
        how = {"split": split, "cache_dir": str(cache / CACHED / _state(folder))}
        return _from_folders(folder, how) or _from_configs(place, how)


def _ask_once(place: str) -> None:
    """Where the hub does not answer, look in the cache at once: `datasets` would go on asking for half a minute."""
    import datasets
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HfHubHTTPError

    try:
        HfApi().dataset_info(place, timeout=_PATIENCE_S)
    except HfHubHTTPError:
        return  # an answer, which comes again, and in words, where the data is asked for
    except Exception as error:  # noqa: BLE001  # of whichever library the hub's client asks with
        _log.info("The hub does not answer", exc_info=error)
        constants.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = True


def _state(folder: Path) -> str:
    """A name that changes with the folder's files: `datasets` itself takes folders of one name for one data set."""
    files = sorted(file for file in folder.resolve().rglob("*") if file.is_file())
    facts = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def has_tables(folder: Path) -> bool:
    """Whether a folder looks like a data set: saved, in parquet files, or a copy of one of the hub."""
    if any((folder / name).is_file() for name in _SAVED):
        return True
    return next(folder.rglob("*.parquet"), None) is not None or bool(_tables_in(folder))


def _from_configs(place: str, how: dict[str, Any]) -> Tables:
    """A data set whose tables are configurations, on the hub or in a copy."""
    from datasets import get_dataset_config_names, load_dataset

    def loader(config: str) -> Load:
        return lambda: load_dataset(place, config, **how)

    names = get_dataset_config_names(place, revision=how.get("revision"))
    found = {key: loader(name) for name in names if (key := _key(name))}
    if "default" in names and ("", "qrels") not in found:  # the hub's own BEIR copies call the judgements so
        found["", "qrels"] = loader("default")
    return Tables(place, found, loader(METADATA) if METADATA in names else None)


def _from_saved_dictionary(folder: Path) -> Tables:
    """A `DatasetDict` saved with `save_to_disk`, whose tables are its splits."""
    from datasets import load_from_disk

    saved = load_from_disk(str(folder))
    tables = {key: (lambda table=saved[name]: table) for name in saved if (key := _key(name))}
    return Tables(str(folder), tables)


def _from_folders(folder: Path, how: dict[str, Any]) -> Tables | None:
    """Tables that are sub-folders (saved, or of parquet files) or parquet files; None when the folder has none."""
    found = _tables_in(folder)
    if not found or (folder / "README.md").is_file():  # a copy of the hub: its README says which files are what
        return None
    return Tables(str(folder), {key: _file_loader(path, how) for key, path in found.items()})


def _tables_in(folder: Path) -> dict[tuple[str, str], Path]:
    tables = {}
    for path in sorted(folder.iterdir()):
        key = _key(path.stem if path.suffix == ".parquet" else path.name)
        if key and (path.suffix == ".parquet" or _is_saved(path) or (path.is_dir() and any(path.glob("*.parquet")))):
            tables[key] = path
    return tables


def _file_loader(path: Path, how: dict[str, Any]) -> Load:
    from datasets import load_dataset, load_from_disk

    if _is_saved(path):

        def saved() -> Dataset:
            table = load_from_disk(str(path))
            return table[how["split"]] if isinstance(table, dict) else table

        return saved
    if path.is_dir():
        return lambda: load_dataset(str(path), **how)
    return lambda: load_dataset("parquet", data_files={how["split"]: str(path)}, **how)


def _is_saved(path: Path) -> bool:
    return any((path / name).is_file() for name in _SAVED)


def _key(name: str) -> tuple[str, str] | None:
    """Language and kind of a table by its name."""
    match = _CONFIG.fullmatch(name)
    return (match["language"] or "", match["kind"]) if match else None


def _undecoded(table: Dataset) -> Dataset:
    """The table with its pictures as bytes: they are written out as they are, not drawn again."""
    from datasets import Image

    for name, feature in table.features.items():
        if isinstance(feature, Image):
            table = table.cast_column(name, Image(decode=False))
    return table


@contextmanager
def _reading(place: str) -> Iterator[None]:
    """The border where what `datasets` raises becomes a sentence with both ways out."""
    try:
        import datasets
    except ImportError as error:
        raise VragError(
            "The package `datasets` reads this benchmark and is not installed.", 'pip install "vrag-toolkit[eval]"'
        ) from error
    datasets.disable_progress_bars()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it tells every attempt to reach the hub
    try:
        yield
    except VragError:
        raise
    except Exception as error:  # datasets and the hub's client raise whatever their own libraries raise
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        if "OfflineModeIsEnabled" in reason:
            reason = "the hub does not answer (or HF_HUB_OFFLINE is set), and it is not in the cache."
        raise VragError(
            f"The data set {place} cannot be read: {reason}",
            f"Go online to get it from the hub, or name a folder that has a copy of it as {place.rpartition('/')[2]}: "
            "--data DIR, or VRAG_VIDORE_DIR=DIR.",
        ) from error


def table_of(tables: Tables, load: Callable[[], T]) -> T:
    """What `load` reads of `tables`, its errors in words."""
    with _reading(tables.place):
        return load()
