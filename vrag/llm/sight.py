"""Whether a model sees: it is shown digits, and asked to read them; what comes out is remembered on the disk.

Not for long: another model may have the same name tomorrow, and one that refuses pictures has none from then on.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import platformdirs
from PIL import Image, ImageDraw, ImageFont

from vrag.errors import LlmError
from vrag.llm.endpoint import Endpoint
from vrag.llm.message import Message, Picture
from vrag.llm.refusals import StatusError
from vrag.runtime.drafts import draft_file

QUESTION = "Which digits does the picture show? Answer with the digits alone."
KEPT_S = 24 * 60 * 60.0  # for which it is remembered
_DIGITS = 5  # one in a hundred thousand guesses them
_SIZE = (448, 224)  # pixels: small, and whole tiles for models that cut pictures into tiles of 14, 28, 56 or 112
_YES, _NO = "images", "text"
_BLIND = frozenset({400, 404, 415, 422, 501})  # statuses of endpoints whose model takes no pictures
_SAYS_BLIND = re.compile(r"image|vision|visual|multi-?modal|mmproj", re.IGNORECASE)


def sees_images(endpoint: Endpoint, before_asked: Callable[[], None] = lambda: None) -> bool:
    """Whether the model reads pictures. It is asked when that is not known, and no question fails of it.

    Args:
        endpoint: Of the model.
        before_asked: Called if it has to be asked.

    Raises:
        LlmError: There is no model.
    """
    known = _read(_file(endpoint))
    if known is not None:
        return known
    before_asked()
    found = _ask(endpoint)
    if found is not None:
        remember(endpoint, found)
    return found or False


def remember(endpoint: Endpoint, sees: bool) -> None:
    """That a model reads pictures, or does not."""
    file = _file(endpoint)
    with suppress(OSError):  # a folder that cannot be written: it is asked again next time
        file.parent.mkdir(parents=True, exist_ok=True)
        with draft_file(file) as draft:
            draft.write((_YES if sees else _NO).encode())


def says_blind(error: StatusError) -> bool:
    """Whether an endpoint refuses pictures, of whatever size and number."""
    return error.status in _BLIND and _SAYS_BLIND.search(error.said) is not None


def _ask(endpoint: Endpoint) -> bool | None:
    """None when it cannot be told from what happens."""
    digits = "".join(secrets.choice("0123456789") for _ in range(_DIGITS))
    message = Message("user", (QUESTION, Picture.of(_drawn(digits))))
    try:
        said = "".join(endpoint.say([message], tries=1))
    except StatusError as error:
        is_blind = error.status in _BLIND or _SAYS_BLIND.search(error.said)
        return False if is_blind else None
    except LlmError:
        return None
    return digits in re.sub(r"\D", "", said)


def _drawn(digits: str) -> Image.Image:
    picture = Image.new("RGB", _SIZE, "white")
    middle = (_SIZE[0] / 2, _SIZE[1] / 2)
    ImageDraw.Draw(picture).text(middle, digits, "black", ImageFont.load_default(110), anchor="mm")
    return picture


def _file(endpoint: Endpoint) -> Path:
    name = hashlib.sha256(f"{endpoint.llm.url}\n{endpoint.model}".encode()).hexdigest()
    return platformdirs.user_cache_path("vrag") / "sight" / name


def _read(file: Path) -> bool | None:
    with suppress(OSError, ValueError):
        if 0 <= time.time() - file.stat().st_mtime < KEPT_S:
            return {_YES: True, _NO: False}.get(file.read_text("utf-8"))
    return None
