"""What a bug report needs to say of an installation, without secrets: a block to paste."""

from __future__ import annotations

import getpass
import os
import platform
import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from vrag.planning.doctor import Check, mark_of
from vrag.version import __version__

_SECRET = re.compile(r"TOKEN|KEY|SECRET|PASS|CREDENTIAL|AUTH|COOKIE", re.IGNORECASE)  # in the name of a variable
_OURS = re.compile(r"VRAG_|QDRANT_|HF_")
_URL = re.compile(r"[a-zA-Z][\w+.-]*://[^\s,;)\"'<>]+")
_HOMES = re.compile(r"(?<![\w.])((?:[A-Za-z]:)?[\\/](?:home|Users)[\\/])[^\\/\s,;:)\"']+")
_GONE = "..."
_SHORTEST = 4  # characters of a secret: shorter ones stand in words


def report_facts(checks: Sequence[Check]) -> dict[str, Any]:
    """The machine, the versions of packages, which variables are set, and the checks; all texts without secrets."""
    return {
        "vrag": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "packages": _packages(),
        "variables": sorted(name for name, value in os.environ.items() if value and _OURS.match(name)),
        "checks": [
            {"name": check.name, "ok": check.ok, "needed": check.needed, "found": without_secrets(check.found)}
            for check in checks
        ],
    }


def report_lines(facts: dict[str, Any]) -> list[str]:
    """The facts as the lines of a block of text."""
    lines = [
        f"vrag {facts['vrag']}, Python {facts['python']}, {facts['platform']}, {facts['cpus']} CPUs",
        f"variables set: {', '.join(facts['variables']) or 'none'}",
        f"packages: {', '.join(f'{name} {version}' for name, version in facts['packages'].items())}",
    ]
    for check in facts["checks"]:
        lines.append(f"{mark_of(check['ok'], check['needed']):8s}{check['name']}: {check['found']}")
    return ["```", *lines, "```"]


def without_secrets(text: str) -> str:
    """The text without what variables of a secret's name hold, users' names in paths, and what URLs hide.

    The home folder becomes `~`; of a URL scheme, host, port and path stay.
    """
    for secret in _secrets():
        text = text.replace(secret, _GONE)
    text = _URL.sub(lambda found: _plain_url(found[0]), text)
    home = str(Path.home())
    if home != os.sep:
        text = re.sub(rf"{re.escape(home)}(?=[\\/\s,;:)\"']|$)", "~", text)
    text = _HOMES.sub(rf"\1{_GONE}", text)
    return re.sub(rf"(?<=[\\/]){re.escape(_user())}(?=[\\/\s,;:)\"']|$)", _GONE, text)


def _secrets() -> list[str]:
    """Values of variables with a secret's name, the longest first: one may be a part of another."""
    named = (value for name, value in os.environ.items() if _SECRET.search(name))
    parts = {part.strip() for value in named for part in value.splitlines()}
    return sorted((part for part in parts if len(part) >= _SHORTEST), key=len, reverse=True)


def _plain_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:  # no port is a word
        return f"{url.partition('://')[0]}://{_GONE}"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in containers
        return _GONE


def _packages() -> dict[str, str]:
    """Version of each package that vrag depends on and that is installed."""
    try:
        required = metadata.requires("vrag-toolkit") or []
    except metadata.PackageNotFoundError:  # a checkout that was never installed
        return {}
    versions = {}
    for name in sorted({re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in required}, key=str.lower):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
