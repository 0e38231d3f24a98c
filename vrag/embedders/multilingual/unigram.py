"""Words of any language into the pieces of multilingual-e5-small, which are those of XLM-R.

A script without spaces makes a line one word, which is too large a place on a page: there every piece is a place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer, models, pre_tokenizers

from vrag.embedders.multilingual.packed_model import Pieced
from vrag.embedders.pieces import PagePieces, Pieces, readable
from vrag.embedders.sequences import IntArray
from vrag.grid import FloatArray
from vrag.pages.language import function_words_of, is_unspaced, likely_language
from vrag.pages.page import Words

_SPACE = "\u2581"  # with which a piece begins that begins a word
_NEVER = -1e4  # score of a piece that is no text: "</s>" on a page is cut into others


class Unigram:
    """The tokenizer.

    Args:
        pieced: Of the model.
    """

    def __init__(self, pieced: Pieced) -> None:
        scores = list(pieced.scores)
        for special in pieced.specials:
            scores[special] = _NEVER
        vocabulary = list(zip(pieced.pieces, scores, strict=True))
        self._tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=pieced.unknown, byte_fallback=False))
        self._tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=_SPACE, prepend_scheme="always")
        self._pieced = pieced
        self._written = {code: text or None for code, text in pieced.written.items()}

    def split(self, words: Sequence[str]) -> Pieces:
        """The pieces of `words`; a word that leaves none (control characters) becomes the unknown piece."""
        written = [readable(word).translate(self._written).strip() for word in words]
        encoding = self._tokenizer.encode(written, is_pretokenized=True, add_special_tokens=False)
        return Pieces.of(encoding, len(words), self._pieced.unknown)

    def of_page(self, words: Words) -> PagePieces:
        """The pieces of a page; function words of its language have no row, unless there is nothing else."""
        pieces, language = self.split(words.texts), likely_language(words.texts)
        dropped = function_words_of(language)
        content = np.array([word.casefold() not in dropped for word in words.texts], np.bool_)
        keep = content if content.any() else ~content
        unspaced = np.array([is_unspaced(word) for word in words.texts], np.bool_)
        if not unspaced.any():
            return PagePieces(pieces, words.boxes, keep)
        return self._parted(words, pieces, keep | unspaced, unspaced)

    def texts(self, ids: IntArray) -> tuple[str, ...]:
        """Pieces [p] as people read them: `("▁un", "glaub", "lich")`."""
        return tuple(self._pieced.pieces[int(i)] for i in ids)

    def _parted(
        self, words: Words, pieces: Pieces, keep: npt.NDArray[np.bool_], unspaced: npt.NDArray[np.bool_]
    ) -> PagePieces:
        """The pieces of a page, those of words without spaces each with a row and a part of the box."""
        ends = pieces.starts + pieces.counts()
        counts = np.where(unspaced, pieces.counts(), 1)
        owners = np.repeat(np.arange(len(words)), counts)
        starts = np.concatenate(
            [np.arange(a, b if apart else a + 1) for a, b, apart in zip(pieces.starts, ends, unspaced, strict=True)]
        )
        boxes = words.boxes[owners].copy()
        for word in np.flatnonzero(unspaced):
            of_word = owners == word
            boxes[of_word] = _shares(words.boxes[word], self.texts(pieces.ids[pieces.starts[word] : ends[word]]))
        return PagePieces(Pieces(pieces.ids, starts), boxes, keep[owners])


def _shares(box: FloatArray, texts: Sequence[str]) -> FloatArray:
    """A word's box [4] cut along its line into those of its pieces [k, 4], by their length."""
    lengths = np.array([max(1, len(text.removeprefix(_SPACE))) for text in texts])
    edges = box[0] + (box[2] - box[0]) * np.concatenate([[0], np.cumsum(lengths) / lengths.sum()])
    parts = np.tile(box, (len(texts), 1))
    parts[:, 0], parts[:, 2] = edges[:-1], edges[1:]
    return parts
