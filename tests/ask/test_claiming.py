"""Claims of a model, checked; and how they come out of what it is still writing."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.llm.endpoint import claims
from vrag.ask import arriving, asking
from vrag.ask.arriving import Arriving, reply_of
from vrag.ask.backing import says_opposite
from vrag.ask.claiming import MOST_CHARACTERS, MOST_CLAIMS, MOST_QUOTES, Claims, said_of, without_markers
from vrag.ask.showing import Source
from vrag.errors import LlmError
from vrag.pages.page import Words
from vrag.runtime.stopping import Stop, stoppable
from vrag.search.hit import Hit

PAGES = [
    "Revenue was $1,200 million in 2025 and (5.0) % less in Europe.",
    "The pump is built in Hall 7 by Jane Doe.",
]


def source(page, text):
    texts = tuple(text.split())
    boxes = np.linspace(0, 1, 4 * len(texts), dtype=np.float32).reshape(-1, 4)
    hit = Hit(page, 1.0, "a.pdf", "/a.pdf", page, {}, str(page))
    return Source(hit, Words(texts, boxes, np.zeros(len(texts), np.int32)), ())


@pytest.fixture
def checked():
    return Claims([source(number, text) for number, text in enumerate(PAGES, 1)], "What was it in 2025?")


def claim(checked, text, *quotes):
    return checked.add(json.loads(claims((text, *quotes)))["claims"][0])


def test_a_quote_is_found_on_the_page_where_it_stands_whatever_the_model_says(checked):
    for wrong in (1, 9, 0, -1, None, "page 1", [1], 1.0, True, 10**30):
        assert claim(checked, "It is built in Hall 7.", wrong, "built in Hall 7").is_supported
    assert [(quote.page, quote.status) for quote in checked.quotes] == [(2, "supported")]


def test_a_source_that_was_not_shown_is_not_found(checked):
    found = claim(checked, "It is blue.", 9, "painted in blue all over")
    assert not found.is_supported
    assert found.reason == "Quote [1] is of source 9, which the model was not shown."
    assert [(quote.page, quote.status) for quote in checked.quotes] == [(1, "not found")]


def test_why_a_claim_is_not_supported_is_said(checked):
    for quote, why in (
        ("painted in blue all over", "Quote [1] does not stand on its page: a.pdf, page 2."),
        ("built in Hall 8 by Jane Doe", "Quote [2] says “8”, and its page says “7”: a.pdf, page 2."),
    ):
        assert claim(checked, "So it is.", 2, quote).reason == why
    both = claim(checked, "So it is.", 2, "built in Hall 7", 2, "painted in blue all over")
    assert (both.is_supported, both.quotes) == (False, (3, 1))


def test_a_claim_without_a_quote_is_not_supported(checked):
    for quotes in ([], None, "built in Hall 7", [1], [{}], [{"source": 2}], [{"source": 2, "quote": " "}], [[]]):
        found = checked.add({"text": "It is built.", "quotes": quotes})
        assert (found.is_supported, found.reason) == (False, "The model quotes nothing for it.")
    assert checked.quotes == []


def test_what_says_nothing_is_no_claim(checked):
    for said in ({}, {"text": ""}, {"text": None}, {"text": " [1] "}, {"quotes": []}):
        assert checked.add(said) is None


@pytest.mark.parametrize("odd", [7, 1.5, True, ["It is built."], {"text": "It is built."}])
def test_what_is_no_text_is_neither_a_claim_nor_a_quote(checked, odd):
    assert checked.add({"text": odd, "quotes": [{"source": 2, "quote": "built in Hall 7"}]}) is None
    found = checked.add({"text": "It is built.", "quotes": [{"source": 2, "quote": odd}]})
    assert found.reason == "The model quotes nothing for it."
    assert checked.add({"text": "It is built.", "quotes": [{"source": odd, "quote": "built in Hall 7"}]}).is_supported


def test_a_quote_is_looked_for_once_however_often_a_model_says_it(checked, monkeypatch):
    seen = []
    check_on = asking.check_on
    monkeypatch.setattr(asking, "check_on", lambda *given: seen.append(given) or check_on(*given))
    for _ in range(20):
        claim(checked, "It is built.", 2, "built in Hall 7", 1, "painted in blue all over")
    assert len(seen) == 1 + len(PAGES)


def test_quotes_are_looked_for_no_more_when_the_question_was_taken_back(checked):
    """Many of them take a while, and a client may leave in the middle."""
    stop = Stop()
    with stoppable(stop):
        assert claim(checked, "It is built.", 2, "built in Hall 7").is_supported
        stop.set()
        with pytest.raises(LlmError, match="taken back"):
            claim(checked, "It is blue.", 2, "painted in blue all over")


def test_what_a_model_writes_can_be_shown(checked):
    odd = "It\n is \x1b[31m\ud800 \u202eso."
    found = claim(checked, odd, 2, odd)
    assert found.text == checked.quotes[0].text == "It is \ufffd[31m\ufffd \ufffdso."


def test_there_is_an_end_to_claims_and_quotes(checked):
    many = [2, "built in Hall 7"] * (MOST_QUOTES - 1) + [1, "Revenue was $1,200 million"] * 5
    assert claim(checked, "It is.", *many).quotes == (1, 2)
    for _ in range(MOST_CLAIMS + 5):
        claim(checked, "It is.", *[2, "built in Hall 7"] * (MOST_QUOTES + 5))
    assert len(checked.claims) == MOST_CLAIMS
    assert len(checked.quotes) == 2
    assert len(Claims([source(1, "x")], "?").add({"text": "x" * 10_000}).text) < 3_000


@pytest.mark.parametrize(
    ("text", "unquoted"),
    [
        ("Revenue was $1200 million.", ()),
        ("Revenue was 1.2 billion.", ()),
        ("Revenue was $1,200m in 2025.", ()),
        ("It is 5 % less.", ()),
        ("It is 5.00% less.", ()),
        ("It is 7 % less than 1,300 and 1300 and 1.30k.", ("7", "1,300", "1.30k")),
        ("No numbers.", ()),
    ],
)
def test_numbers_that_no_quote_has_are_named(checked, text, unquoted):
    assert claim(checked, text, 1, PAGES[0]).unquoted == unquoted


def test_a_claim_whose_figures_no_quote_has_is_not_supported(checked):
    found = claim(checked, "Revenue was $1,300 million in 2025.", 1, "Revenue was $1,200 million in 2025")
    assert (found.is_supported, found.reason) == (False, "No quote of it has 1,300.")
    found = claim(checked, "It is built in Hall 7 since 12 May 2024.", 2, "built in Hall 7 by Jane Doe")
    assert found.reason == "No quote of it has 12 May 2024."
    assert claim(checked, "It was 1.2 billion in 2025.", 1, "Revenue was $1,200 million").is_supported
    both = ("Revenue was $1,200 million", 2, "built in Hall 7")
    assert claim(checked, "Hall 7 made 1,200 million.", 1, *both).is_supported


@pytest.mark.parametrize(
    ("text", "quote", "reason"),
    [
        ("Jane Doe builds it.", "by", "Its quotes say too little of it."),
        ("Jane Doe builds it.", "is", "Its quotes say too little of it."),
        ("Revenue was good.", "in 2025", "Its quotes say too little of it."),  # what was asked
        ("Revenue was good in 2025.", "2025", "Its quotes say too little of it."),
        ("The pump is red.", "built in Hall 7 by", "Its quotes say too little of it."),
        ("Jane Doe builds it.", "Jane Doe", ""),
        ("In Hall 7.", "Hall 7", ""),
        ("Jane Doe builds the pump.", "built in Hall 7 by Jane", ""),
        (
            "Dort wird sie gefertigt.",
            "The pump is built in Hall 7",
            "",
        ),  # in another language there is nothing to compare
        ("The pump is not built in Hall 7.", "The pump is built in Hall 7", "A quote of it says the opposite."),
        ("Revenue was $1,200 million more.", "$1,200 million in 2025 and (5.0) % less", ""),  # not all of its words
    ],
)
def test_quotes_say_something_of_the_claim_and_not_its_opposite(checked, text, quote, reason):
    assert claim(checked, text, 0, quote).reason == reason


@pytest.mark.parametrize(
    ("text", "quote", "is_opposite"),
    [
        ("The committee approved the merger.", "The committee did not approve the merger.", True),
        ("The committee did not approve the merger.", "The committee approved the merger in May.", True),
        ("No, the committee did not approve the merger.", "The committee did not approve the merger.", False),
        ("Yes, the committee approved it.", "The committee didn't approve it.", True),
        ("The committee rejected the merger.", "The committee did not approve the merger.", False),
        ("Revenue rose.", "Revenue rose; it did not fall in Europe.", False),
        ("Revenue rose.", "Revenue fell.", True),
        ("Revenue did not rise.", "Revenue fell.", False),
        ("Revenue did not fall.", "Revenue rose.", False),
        ("Costs increased in Europe.", "Costs in Europe decreased by 5 percent.", True),
        ("The valve opens above 6 bar.", "The valve opens below 6 bar.", True),
        ("The valve opens below 6 bar.", "The valve opens below 6 bar, and closes above 6 bar.", False),
    ],
)
def test_the_opposite_in_the_same_words_is_seen(text, quote, is_opposite):
    assert says_opposite(text, [quote]) is is_opposite
    assert not says_opposite(text, [quote, text])


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("It is so [1].", "It is so."),
        ("It is so [1, 2][3] and  so\n【4】.", "It is so and so."),
        ("It is so [Source 1] (source 2, page 3).", "It is so."),
        ("It is so (page 3) in [brackets] and f[x].", "It is so (page 3) in [brackets] and f[x]."),
    ],
)
def test_markers_of_the_model_are_not_those_of_the_answer(said, meant):
    assert without_markers(said) == meant


def test_an_answer_is_made_of_claims_that_are_supported(checked):
    claim(checked, "It is in Hall 7 [9].", 2, "built in Hall 7")
    claim(checked, "It is blue.", 2, "painted in blue all over")
    claim(
        checked, "Jane built it, and it sold.", 2, "by Jane Doe", 2, "built in Hall 7", 1, "Revenue was $1,200 million"
    )
    assert list(said_of(checked.claims)) == ["It is in Hall 7. [1]", "Jane built it, and it sold. [3][1][4]"]
    checked.deny()
    assert list(said_of(checked.claims)) == []


SAID = claims(('Say "claims": [{', 1, "}]}", 2, "\\"), ("[", 1, "{\n\u2028\U0001f600"), ("Without.",))


@given(st.lists(st.integers(0, len(SAID)), max_size=30))
def test_claims_come_whole_however_the_text_is_cut(cuts):
    ends = [0, *sorted(cuts), len(SAID)]
    coming = Arriving()
    came = [one for start, end in zip(ends, ends[1:], strict=False) for one in coming.feed(SAID[start:end])]
    assert came == json.loads(SAID)["claims"]
    assert coming.claims == came
    assert reply_of(coming.text).claims == tuple(came)


@given(st.text(st.sampled_from('{}[]":,claimstext \\\n1'), max_size=80))
def test_whatever_a_model_writes_is_no_fault_of_ours(text):
    coming = Arriving()
    came = [*coming.feed('{"claims": ['), *coming.feed(text)]
    assert coming.claims == came
    reply_of(coming.text)


@pytest.mark.parametrize(
    "said",
    [
        '{"claims": [{"text": "' + 2_000 * "{}" + '"}]}',
        '{"claims": [{"text": ' + 2_000 * "{}" + "}]}",
        '{"claims": [{"text": [' + 2_000 * "{}," + "1]}]}",
        '{"claims": [' + 1_000 * "{}, " + "{",
        4_000 * "[",
        '{"claims"' + 4_000 * " " + ": []}",
    ],
)
def test_what_arrives_in_small_pieces_is_looked_at_once(said, monkeypatch):
    looked = []

    def seen(look, most):
        return lambda text: looked.append((len(text), most)) or look(text)

    for name in ("_CLAIMS", "_FOUND"):
        search = seen(getattr(arriving, name).search, arriving._LONGEST + 1)
        monkeypatch.setattr(arriving, name, SimpleNamespace(search=search))
    monkeypatch.setattr(arriving, "json", SimpleNamespace(loads=seen(json.loads, len(said))))
    coming = Arriving()
    for char in said:
        list(coming.feed(char))
    assert coming.text == said
    assert looked
    assert all(size <= most for size, most in looked)
    assert sum(size for size, most in looked if most == len(said)) <= len(said)  # decoded


@pytest.mark.parametrize("found", ["true", "false"])
def test_whether_the_pages_answer_is_heard_however_the_text_is_cut(found):
    said = f'{{"found": {found}, "claims": [{{"text": "a", "found": true}}]}}'
    for at in range(len(said)):
        coming = Arriving()
        for piece in (said[:at], said[at:]):
            list(coming.feed(piece))
        assert (coming.denies, len(coming.claims)) == (found == "false", 1)


@pytest.mark.parametrize("text", ["[{", '["', "{'", ".}{", '“1{"a": ', "((}", '{“"}\\]', " ” {]\n", '{"a": "b"c, '])
def test_there_is_an_end_to_repairing_what_is_no_json(text, monkeypatch):
    looks = []

    class Counted(arriving._Counted):
        def __getitem__(self, key):
            looks.append(len(str(self)[key]) if isinstance(key, slice) else 1)
            return super().__getitem__(key)

    monkeypatch.setattr(arriving, "_Counted", Counted)
    monkeypatch.setattr(Counted, "left", 20_000)
    reply_of((text * 8_000)[:8_000])
    assert 8_000 <= sum(looks) <= 20_000 + 8_000  # the last look is at the whole at most


def test_an_answer_of_the_longest_that_is_almost_json_is_repaired():
    said = claims(*[(f"Hall {i} is theirs.", 1, "built in Hall 7 by Jane Doe and others") for i in range(550)])
    assert 50_000 < len(said) < 65_536
    for broken in (f"So:\n```json\n{said}\n```", said.replace('"', "'"), said[:-2] + ",]}", said[:-1]):
        assert len(reply_of(broken).claims) == 550


def test_what_is_not_asked_for_is_left_alone():
    assert reply_of('{"claims": [1, "a", {"text": "b"}, null]}').claims == ({"text": "b"},)
    for none in ("", "yes", "1", '{"claims": 1}', '{"answer": []}'):
        assert reply_of(none) is None
    assert reply_of("[]").claims == ()
    for no in ('"false"', "false", "0", '"No"'):
        assert not reply_of(f'{{"found": {no}, "claims": []}}').found


def test_a_quote_is_as_long_as_what_is_checked_of_it(checked):
    claim(checked, "It is long.", 2, "built in Hall 7 " * MOST_CHARACTERS)
    assert [len(quote.text) for quote in checked.quotes] == [MOST_CHARACTERS]


def test_runs_of_spaces_in_a_claim_are_one_before_its_markers_are_looked_for(monkeypatch):
    seen = []
    monkeypatch.setattr("vrag.ask.claiming._MARKER", _Seeing(seen))
    assert without_markers("It is" + " " * 60 + "so.") == "It is so."
    assert seen == ["It is so."]


class _Seeing:
    def __init__(self, seen):
        self.seen = seen

    def sub(self, _, text):
        self.seen.append(text)
        return text
