"""Puts the skill where programs look for skills: a folder with `SKILL.md` and examples, kept in step with this vrag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vrag.errors import UsageError
from vrag.runtime.drafts import draft_file

NAME = "vrag"
FILES = Path(__file__).parent / "files"
State = Literal["installed", "unchanged", "replaced"]


@dataclass(frozen=True, slots=True)
class InstalledSkill:
    """The skill in a folder.

    Args:
        path: The folder.
        state: Whether it came, was there as it is, or takes the place of another one.
    """

    path: Path
    state: State


def usual_folders(home: Path) -> list[Path]:
    """Where programs look for a user's skills: `~/.agents/skills`, and `~/.claude/skills` if Claude Code is used.

    Args:
        home: The user's folder.
    """
    claude = home / ".claude"
    return [home / ".agents" / "skills", *([claude / "skills"] if claude.is_dir() else [])]


def install(folders: Sequence[Path], force: bool = False) -> list[InstalledSkill]:
    """Put the skill into a folder `vrag` of each of these folders; other files there stay.

    Args:
        folders: Of skills; those that are missing are made.
        force: Replace files that are not what this vrag would write.

    Raises:
        UsageError: There are such files, and `force` is not given: nothing is written then.
    """
    found = [InstalledSkill(folder / NAME, _state(folder / NAME)) for folder in folders]
    others = [str(skill.path) for skill in found if skill.state == "replaced"]
    if others and not force:
        raise UsageError(
            f"Another skill, or another version of this one, is in {' and '.join(others)}.",
            "Look at it; --force replaces it.",
        )
    for skill in found:
        if skill.state != "unchanged":
            _write(skill.path)
    return found


def _state(folder: Path) -> State:
    """What installing the skill there comes to."""
    there = [target.read_bytes() == file.read_bytes() for file, target in _pairs(folder) if target.exists()]
    if not all(there):
        return "replaced"
    return "unchanged" if len(there) == len(_pairs(folder)) else "installed"


def _pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Each file of the skill, and where it belongs."""
    return [(file, folder / file.name) for file in sorted(FILES.iterdir())]


def _write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file, target in _pairs(folder):
        with draft_file(target) as draft:
            draft.write(file.read_bytes())
