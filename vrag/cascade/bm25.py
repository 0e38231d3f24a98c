"""The text lane: words of pages and queries as sparse BM25 vectors, whatever model embeds the pages.

The weights are Qdrant's own Bm25 (term frequency with k = 1.2, b = 0.75 here; IDF in the engine of a server, in
`vrag.bits.terms` beside an embedded index), so that the embedded index and a server score alike. Part numbers,
names and codes are found by it even where a model has never seen them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from vrag.errors import UsageError
from vrag.runtime.pathtext import quoted
from vrag.store.interface import SparseVector

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT = "text"
MULTILINGUAL = "multilingual"
UNSTEMMED = (MULTILINGUAL, "none")
_STOPPED = (
    "English",
    "German",
    "French",
    "Spanish",
    "Italian",
    "Portuguese",
    "Dutch",
    "Russian",
    "Chinese",
    "Japanese",
)
LANGUAGES = (
    "arabic", "azerbaijani", "basque", "bengali", "catalan", "chinese", "danish", "dutch", "english", "finnish",
    "french", "german", "greek", "hebrew", "hinglish", "hungarian", "indonesian", "italian", "japanese", "kazakh",
    "nepali", "norwegian", "portuguese", "romanian", "russian", "slovene", "spanish", "swedish", "tajik", "turkish",
)  # fmt: skip
CODES = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "fi": "finnish", "fr": "french", "he": "hebrew", "hu": "hungarian", "it": "italian", "ja": "japanese",
    "nl": "dutch", "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sv": "swedish",
    "tr": "turkish", "zh": "chinese",
}  # fmt: skip
_CUT_UP = (MULTILINGUAL, "chinese", "japanese")  # words that no spaces part


def language_named(text: str) -> str:
    """A language by its name or code, as `Bm25Lane` has it.

    Raises:
        UsageError: Nothing is known of it; lists those that are.
    """
    name = CODES.get(text.casefold(), text.casefold())
    if name not in (*LANGUAGES, *UNSTEMMED):
        raise UsageError(
            f"No language {quoted(text)} is known.",
            f"Use {MULTILINGUAL}, for any and several at once; or one of: {', '.join(LANGUAGES)}.",
        )
    return name


@dataclass(frozen=True)
class Bm25Lane:
    """Encoder of the sparse `text` vector.

    Args:
        language: Of stop words and stemming, e.g. "english". `MULTILINGUAL` is for words of several languages: the stop
            words of all those below are left out, no word loses its ending, and scripts without spaces are cut into
            words. "none" takes words as they are.
    """

    language: str = "english"

    def document(self, words: Sequence[str]) -> SparseVector:
        """A page's terms with their saturated frequencies; no terms when it has no words."""
        return self._vector(self._engine.embed_document(" ".join(words)))

    def query(self, text: str) -> SparseVector:
        """A query's terms, weight 1 each; no terms when all are stop words."""
        return self._vector(self._engine.embed_query(text))

    @cached_property
    def _engine(self) -> Any:
        import qdrant_edge as qe

        given: dict[str, Any] = {"language": self.language}
        if self.language in UNSTEMMED:
            stop = {getattr(qe.Language, name) for name in _STOPPED} if self.language == MULTILINGUAL else set()
            given = {"stopwords": qe.StopwordsSet(languages=stop), "stemmer": qe.DisabledStemmer()}
        if self.language in _CUT_UP:
            given["tokenizer"] = qe.TokenizerType.Multilingual
        try:
            return qe.Bm25(qe.Bm25Config(ascii_folding=True, **given))
        except ValueError as error:
            raise UsageError(f"text.language = {self.language!r} is not known.", str(error)) from error

    @staticmethod
    def _vector(sparse: Any) -> SparseVector:
        return SparseVector(np.array(sparse.indices, np.uint32), np.array(sparse.values, np.float32))
