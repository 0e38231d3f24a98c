"""Which language model answers: its endpoint, its name and its key; nothing here opens a connection."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from vrag.errors import UsageError
from vrag.runtime.pathtext import quoted, shown

URL_ENV, MODEL_ENV, KEY_ENV = "VRAG_LLM_URL", "VRAG_LLM_MODEL", "VRAG_LLM_KEY"
DEFAULT_TIMEOUT_S = 120.0
MOST_FAILURES = 3  # questions in a row that a model fails at, after which no other is tried
MOST_NAME = 300  # characters of a model's name
Sees = Literal["auto", "images", "text", "both"]
_SECRET = frozenset("@?#")  # what stands before or behind them may be a password or a key
_ADDRESS = re.compile(r"[!-~]+")  # names of other scripts have a form in ASCII
_EXAMPLE = "e.g. http://localhost:11434/v1 for Ollama, http://localhost:8000/v1 for vLLM, or https://HOST/v1."


@dataclass(frozen=True, slots=True)
class Llm:
    """A language model at an OpenAI-compatible endpoint: Ollama, vLLM, llama.cpp, LM Studio, or a hosted one.

    Args:
        url: `http[s]://HOST[:PORT][/PATH]`, with or without the `/v1` at its end.
        model: Name, as the endpoint lists it; None for the first one that it lists.
        key: Sent to that endpoint and nowhere else; never shown. A local one needs none.
        sees: What pages are shown as: "images", "text" or "both"; "auto" finds out once whether the model reads
            pictures, and shows both to one that does.
        timeout_s: Seconds without a word of it, after which it is given up.

    Raises:
        UsageError: The address or the name is none, or `sees` or `timeout_s` is out of range.
    """

    url: str
    model: str | None = None
    key: str | None = field(default=None, repr=False)
    sees: Sees = "auto"
    timeout_s: float = DEFAULT_TIMEOUT_S

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", _normalised(self.url))
        if self.sees not in get_args(Sees):
            raise UsageError(f"A model sees {', '.join(get_args(Sees))}, not {self.sees!r}.")
        if self.model is not None and not is_name(self.model):
            raise UsageError(f"{quoted(shown(self.model))} is no name of a language model.")
        if not 0 < self.timeout_s < float("inf"):
            raise UsageError(f"A model is given some seconds, not {self.timeout_s!r}.")
        if self.key is not None and not (self.key.isascii() and self.key.isprintable()):
            raise UsageError(f"The key of the model ({KEY_ENV}) has characters that no key has.", "Copy it anew.")


def is_name(text: Any) -> bool:
    """Whether a text can be the name of a model: one short line that no terminal obeys."""
    return isinstance(text, str) and 0 < len(text) <= MOST_NAME and text.isprintable()


def llm_from(url: str | None = None, model: str | None = None, sees: Sees = "auto") -> Llm | None:
    """The language model that is named, else the one of `VRAG_LLM_URL`, `VRAG_LLM_MODEL` and `VRAG_LLM_KEY`.

    Where the environment names another address than `url`, its name and key are those of another model, and stay there.

    Args:
        url: As of `Llm`; None for the environment's.
        model: As of `Llm`; None for the environment's.
        sees: As of `Llm`.

    Returns:
        None when nobody names an address.

    Raises:
        UsageError: As of `Llm`.
    """
    known, name, key = (os.environ.get(env, "").strip() for env in (URL_ENV, MODEL_ENV, KEY_ENV))
    address = url or known
    if not address:
        return None
    if known and _normalised(known) != _normalised(address):
        name = key = ""
    return Llm(address, model or name or None, key or None, sees)


def _normalised(url: str) -> str:
    """The address below which `chat/completions` lies, without a slash at its end.

    Raises:
        UsageError: It is none.
    """
    try:
        parts = urlsplit(url.strip())
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one or not _ADDRESS.fullmatch(url.strip()):
        told = quoted(shown(url)) if _SECRET.isdisjoint(url) else "That"
        raise UsageError(f"{told} is no address of a language model.", _EXAMPLE)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError("The address of a language model has no name, key, ? or # in it.", f"The key is in {KEY_ENV}.")
    path = parts.path.rstrip("/").removesuffix("/chat/completions").rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path or '/v1'}"
