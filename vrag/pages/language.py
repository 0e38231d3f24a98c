"""The languages that vrag knows something of, and which of them words are likely of.

What is known is a language's function words: they say nothing by themselves, are many on every page, and so tell the
language. A script that one language alone writes tells it too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

ENGLISH = "english"
_LISTS = {
    ENGLISH: """
        a an the this that these those i me my he she his her it its we our you your they their
        what which who whom how when where why of in on at to for from by with as than
        and or not if then there is are was were be been being do does did has have had
    """,
    "german": """
        der die das den dem des ein eine einen einem einer eines dieser diese dieses und oder aber nicht wenn dann
        ich du er sie es wir ihr sein seine ihre was welche welcher wer wie wann wo warum von in im am an auf zu zum zur
        für aus mit bei als nach vor über unter um durch ist sind war waren wird werden wurde wurden hat haben hatte
    """,
    "french": """
        le la les un une des du de ce cet cette ces et ou mais ne pas si alors je tu il elle on nous vous ils elles
        son sa ses leur leurs que qui quoi quel quelle quels quelles comment quand où pourquoi à au aux en dans sur sous
        par pour avec sans est sont était étaient été être a ont avait avaient
    """,
    "spanish": """
        el la los las lo un una unos unas de del al este esta estos estas ese esa y e o u pero no si entonces yo tú él
        ella nosotros ellos ellas su sus que qué quién cuál cuáles cómo cuándo dónde por para con sin en a sobre entre
        es son era eran fue fueron ser ha han había se le les
    """,
    "italian": """
        il lo la i gli le un uno una di del dello della dei degli delle da dal dalla in nel nella a al alla su sul
        sulla con per tra fra questo questa questi queste e o ma non se io tu lui lei noi voi loro suo sua che chi quale
        come quando dove perché è sono era erano ha hanno aveva si
    """,
    "portuguese": """
        o a os as um uma uns umas de do da dos das em no na nos nas ao à aos às por pelo pela para com sem sobre entre
        este esta estes estas e ou mas não se eu ele ela nós eles elas seu sua seus suas que quem qual quais como quando
        onde é são era eram foi foram ser há tem têm tinha
    """,
    "dutch": """
        de het een van in op aan te tot voor uit met bij als naar over onder door om deze dit die dat en of maar niet
        ik jij hij zij wij jullie hun zijn haar wat welke wie hoe wanneer waar waarom is was waren wordt worden werd
        werden heeft hebben had er
    """,
    "russian": """
        и в во не на я он она оно мы вы они с со к ко у о об от до из за по под над при для без через что как когда где
        почему кто какой какая какие это этот эта эти а но или если то же бы его её их был была было были есть
    """,
}
FUNCTION_WORDS_OF: Mapping[str, frozenset[str]] = {name: frozenset(words.split()) for name, words in _LISTS.items()}
_NONE: frozenset[str] = frozenset()
UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # characters of Thai, kana, those of Chinese
_UNSPACED = re.compile(f"[{UNSPACED}]")
_SCRIPTS = (
    ("japanese", re.compile("[\u3040-\u30ff]")),
    ("chinese", re.compile("[\u3400-\u9fff]")),
    ("korean", re.compile("[\uac00-\ud7af]")),
    ("greek", re.compile("[\u0370-\u03ff]")),
    ("hebrew", re.compile("[\u0590-\u05ff]")),
    ("arabic", re.compile("[\u0600-\u06ff]")),
    ("hindi", re.compile("[\u0900-\u097f]")),
    ("thai", re.compile("[\u0e00-\u0e7f]")),
    ("russian", re.compile("[\u0400-\u04ff]")),
)
_IN_SCRIPT = 0.3  # of the letters of a text, from which it is of the script's language
_FEWEST = 2  # function words that tell a language
_OF_ALL = 0.12  # of the words of a text that are function words of its language, at least
_AROUND = "\"'“”„‘’«»‹›()[]{},.?!:;¿¡…"


def function_words_of(language: str | None) -> frozenset[str]:
    """The function words of a language; none of one that is not known."""
    return FUNCTION_WORDS_OF.get(language or "", _NONE)


def is_unspaced(word: str) -> bool:
    """Whether a word is of a script that puts no spaces between words."""
    return not word.isascii() and _UNSPACED.search(word) is not None


def likely_language(words: Iterable[str]) -> str | None:
    """The language that most of `words` are likely of; None where nothing tells."""
    texts = [word.strip(_AROUND).casefold() for word in words]
    if script := _of_script("".join(texts)):
        return script
    counts = Counter(texts)
    found = {name: sum(counts[word] for word in listed) for name, listed in FUNCTION_WORDS_OF.items()}
    best, second = sorted(found, key=found.__getitem__, reverse=True)[:2]
    if found[best] == found[second] or found[best] < max(_FEWEST, _OF_ALL * len(texts)):
        return None
    shared = FUNCTION_WORDS_OF[ENGLISH] if best != ENGLISH else _NONE  # "of" and "is" are Dutch words too
    return best if sum(counts[word] for word in FUNCTION_WORDS_OF[best] - shared) >= _FEWEST else None


def _of_script(text: str) -> str | None:
    if text.isascii():
        return None
    letters = sum(map(str.isalpha, text))
    counts = {name: len(script.findall(text)) for name, script in _SCRIPTS}
    if 0 < _IN_SCRIPT * letters <= sum(counts.values()):
        # Japanese writes Chinese characters as well.
        return "japanese" if counts["japanese"] > _OF_ALL * letters else max(counts, key=counts.__getitem__)
    return None
