"""Which language words are likely of."""

import pytest

from vrag.pages.language import FUNCTION_WORDS_OF, function_words_of, is_unspaced, likely_language

SAID = {
    "english": "The ferry leaves at noon and it is late when there are waves on the water.",
    "german": "Die Fähre fährt um zwölf und sie ist spät dran, wenn auf dem Wasser Wellen sind.",
    "french": "Le bateau part à midi et il est en retard quand la mer est agitée.",
    "spanish": "El barco sale a las doce y se retrasa cuando hay olas en el mar.",
    "italian": "Il traghetto parte a mezzogiorno ed è in ritardo quando ci sono onde sul mare.",
    "portuguese": "O barco sai ao meio-dia e não chega a horas quando há ondas no mar.",
    "dutch": "De veerboot vertrekt om twaalf uur en is te laat als er golven op het water zijn.",
    "russian": "Паром отходит в полдень и опаздывает, когда на воде волны.",
    "chinese": "渡轮中午出发，有风浪时会晚点。",
    "japanese": "フェリーは正午に出発し、波があると遅れます。",
    "greek": "Το πλοίο φεύγει το μεσημέρι.",
}


@pytest.mark.parametrize("language", SAID)
def test_a_sentence_tells_its_language(language):
    assert likely_language(SAID[language].split()) == language


@pytest.mark.parametrize(
    "text", ["", "WX-4471", "revenue", "die hard", "die casting of metal", "12 34 56", "Oslo Bergen Trondheim"]
)
def test_names_and_single_words_tell_none(text):
    assert likely_language(text.split()) is None


def test_a_page_in_english_with_a_name_in_another_script_is_english():
    words = f"{SAID['english']} Москва".split()
    assert likely_language(words) == "english"


def test_function_words_are_small_and_of_known_languages_alone():
    assert "und" in function_words_of("german")
    assert function_words_of("klingon") == function_words_of(None) == frozenset()
    assert all(word == word.casefold() for words in FUNCTION_WORDS_OF.values() for word in words)


def test_scripts_without_spaces():
    assert all(map(is_unspaced, ("渡轮", "ferryフェリー")))
    assert not any(map(is_unspaced, ("Fähre", "паром", "여객선")))
