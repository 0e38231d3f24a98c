"""Asking before something is removed."""

from __future__ import annotations

import sys

import typer

from vrag.errors import UsageError


def confirm(question: str) -> bool:
    """Ask on the terminal; the question goes to stderr.

    Raises:
        UsageError: There is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise UsageError(f"{question} There is no terminal to answer.", "Say --yes.")
    return typer.confirm(question, err=True)
