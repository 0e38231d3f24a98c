"""Words into word pieces, each piece knowing its word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vrag.embedders.function_words import FUNCTION_WORDS
from vrag.embedders.sequences import IntArray
from vrag.grid import FloatArray
from vrag.pages.page import Words

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

BoolArray = npt.NDArray[np.bool_]

CLS = 101
SEP = 102
UNKNOWN = 100

_VOCABULARY = Path(__file__).with_name("minilm_vocab.txt")
MAX_WORD_CHARS = 256  # a "word" can be a whole line of Japanese, or a megabyte of noise


@dataclass(frozen=True, slots=True)
class Pieces:
    """The p word pieces of n words, in order.

    Args:
        ids: int64 [p], vocabulary ids without special tokens, p >= n.
        starts: int64 [n], index of each word's first piece, strictly increasing.
    """

    ids: IntArray
    starts: IntArray

    def __len__(self) -> int:
        return len(self.ids)

    def counts(self) -> IntArray:
        """int64 [n], how many pieces each word has."""
        return np.diff(self.starts, append=len(self.ids))

    @classmethod
    def of(cls, encoding: Encoding, count: int, unknown: int) -> Pieces:
        """The pieces of `count` words as a tokenizer gave them; a word that has none becomes the piece `unknown`."""
        ids = np.asarray(encoding.ids, dtype=np.int64)
        owners = np.asarray(encoding.word_ids, dtype=np.int64)
        missing = np.flatnonzero(np.bincount(owners, minlength=count) == 0)
        places = np.searchsorted(owners, missing)
        ids = np.insert(ids, places, unknown)
        owners = np.insert(owners, places, missing)
        return cls(ids, np.searchsorted(owners, np.arange(count)))


@dataclass(frozen=True, slots=True)
class PagePieces:
    """The pieces of a page and what gets a row.

    Args:
        pieces: With the first piece of each of n places, which are words or parts of them.
        boxes: float32 [n, 4], where they lie.
        keep: bool [n], which get a row, at least one: function words do not.
    """

    pieces: Pieces
    boxes: FloatArray
    keep: BoolArray


class WordPieces:
    """The uncased WordPiece tokenizer of BERT, which all-MiniLM-L6-v2 was trained with.

    It is told of no control tokens, so that "[MASK]" on a page is text.
    """

    def __init__(self) -> None:
        from tokenizers import Tokenizer
        from tokenizers.models import WordPiece
        from tokenizers.normalizers import BertNormalizer
        from tokenizers.pre_tokenizers import BertPreTokenizer

        vocabulary = {piece: i for i, piece in enumerate(_VOCABULARY.read_text(encoding="utf-8").splitlines())}
        model = WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100)
        self._tokenizer: Tokenizer = Tokenizer(model)
        self._tokenizer.normalizer = BertNormalizer(lowercase=True)
        self._tokenizer.pre_tokenizer = BertPreTokenizer()
        self._function_ids = np.array([self._tokenizer.token_to_id(word) for word in sorted(FUNCTION_WORDS)])

    def split(self, words: Sequence[str]) -> Pieces:
        """The pieces of `words`; a word that leaves none (control characters) becomes the unknown piece."""
        clipped = [readable(word) for word in words]
        encoding = self._tokenizer.encode(clipped, is_pretokenized=True, add_special_tokens=False)
        return Pieces.of(encoding, len(words), UNKNOWN)

    def of_page(self, words: Words) -> PagePieces:
        """The pieces of a page; words that are no more than a function word have no row, unless all are."""
        pieces = self.split(words.texts)
        content = np.logical_or.reduceat(~np.isin(pieces.ids, self._function_ids), pieces.starts)
        return PagePieces(pieces, words.boxes, content if content.any() else ~content)

    def texts(self, ids: IntArray) -> tuple[str, ...]:
        """Pieces [p] as people read them: `("un", "##bel", "##ie", "##va", "##bly")`."""
        return tuple(self._tokenizer.id_to_token(int(i)) or "" for i in ids)


def readable(word: str) -> str:
    """The start of `word`; lone surrogates, which broken PDFs produce and no encoder accepts, become "?"."""
    return word[:MAX_WORD_CHARS].encode("utf-8", "replace").decode()
