"""Short answers as MMLongBench-Doc's `eval/eval_score.py` scores them, and the best stretch of a long one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.evaluation.numbers.short_answer import ShortAnswer, best_stretch, read_answer, score, stands_in

# What their program gives, but for the last column of numbers with separators of thousands, which theirs cannot read.
SCORES = [
    ("Int", "380", "380", 1.0),
    ("Int", "380", "380.0", 1.0),
    ("Int", "380", "381", 0.0),
    ("Int", "380", "about 380", 0.0),
    ("Int", "4", "$4", 0.0),
    ("Int", "0", "none", 0.0),
    ("Float", "51%", "51", 1.0),
    ("Float", "51%", "0.51", 1.0),
    ("Float", "0.51", "51%", 1.0),
    ("Float", "17.5", "17.6", 1.0),  # within 1 %
    ("Float", "17.5", "17.7", 0.0),
    ("Float", "0.192", "0.19", 1.0),  # equal at two decimals
    ("Float", "0.192", "0.2", 0.0),
    ("Float", "$495.00", "495", 1.0),
    ("Float", "45", "nan", 0.0),
    ("Float", "45", "", 0.0),
    ("Str", "Bluebird Award", "bluebird award", 1.0),
    ("Str", "Bluebird Award", "Blue bird Award", 1 - 1 / 15),
    ("Str", "Bluebird Award", "'Bluebird Award' (2023)", 1.0),
    ("Str", "red", "rod", 1 - 1 / 3),
    ("Str", "4G", "5G", 0.0),  # ANLS of 0.5 is none
    ("Str", "ab", "abcd", 0.0),
    ("Str", "2009-07", "2009-08", 0.0),  # dates, numbers and addresses are right or wrong
    ("Str", "2009-07", "2009-07", 1.0),
    ("Str", "239516", "239517", 0.0),
    ("Str", "a@b.com", "a@b.con", 0.0),
    ("Str", "https://x.org/a", "https://x.org/b", 0.0),
    ("List", "['lower', '38']", "['38', 'Lower']", 1.0),
    ("List", "['lower', '38']", "['lower', '39']", 0.0),
    ("List", "['lower', '38']", "['lower']", 0.0),
    ("List", "['Jun', 'Aug']", '["Aug", "June"]', 1 - 1 / 4),  # the worst element
    ("List", "[1500, 8000]", "[8000, 1500]", 1.0),
    ("List", "['13', '14']", "['13', '15']", 0.0),
    ("List", "0.66", "0.66", 1.0),  # a list of one, as the benchmark has it
    ("List", "['a', 'b']", "['a', ", 0.0),
    ("None", "Not answerable", "not answerable", 1.0),
    ("None", "Not answerable", "Fail to answer", 0.0),
    ("Int", "4257", "4,257", 1.0),
    ("Float", "1358000", "1,358,000", 1.0),
]


@pytest.mark.parametrize(("form", "wanted", "said", "points"), SCORES)
def test_scores_are_those_of_the_benchmark(form, wanted, said, points):
    assert score(said, read_answer(wanted, form)) == pytest.approx(points)


QUOTE = "Revenue rose 4.2 % to $1,577 million in 2018 (2017: 1,373), said the Bluebird Awards committee in June."
STRETCHES = [
    ("Int", "1577", 1.0),
    ("Int", "157", 0.0),  # no part of a number
    ("Float", "4.2%", 1.0),
    ("Float", "4.21", 0.0),  # nothing was rounded in a quote
    ("Float", "15.77", 0.0),
    ("Str", "$1577.00", 1.0),
    ("Str", "1578", 0.0),
    ("Str", "bluebird awards", 1.0),
    ("Str", "Bluebird Award", 1 - 1 / 15),
    ("Str", "penguins", 0.0),
    ("List", "['June', '2018']", 1.0),
    ("List", "['June', '2019']", 0.0),
    ("None", "Not answerable", 0.0),
]


@pytest.mark.parametrize(("form", "wanted", "points"), STRETCHES)
def test_the_best_stretch_of_a_quote(form, wanted, points):
    assert best_stretch(["Nothing here.", QUOTE], read_answer(wanted, form)) == pytest.approx(points)
    assert best_stretch([], read_answer(wanted, form)) == 0.0


@pytest.mark.parametrize(
    ("form", "wanted", "said"),
    [("Float", "51%", "0.51"), ("Float", "17.5", "17.6"), ("List", "['a', 'bc']", '["bc", "a"]'), ("Int", "4", "4.0")],
)
def test_what_is_a_short_answer_is_scored_as_one(form, wanted, said):
    assert best_stretch(["Nothing here.", said], read_answer(wanted, form)) == 1.0
    assert best_stretch([f"It is {said} then."], read_answer(wanted, form)) == (0.0 if form == "Float" else 1.0)


def test_what_stands_there_as_it_is():
    texts = ["In June it was $1,577 million.", "Lower than 38."]
    assert stands_in(texts, ShortAnswer(("1577.00",), "Float"))
    assert stands_in(texts, ShortAnswer(("lower", "june"), "List"))  # in different ones
    assert not stands_in(texts, ShortAnswer(("lower", "july"), "List"))
    assert not stands_in(texts, ShortAnswer(("June Lower",), "Str"))  # no text of its own is made of two
    assert not stands_in(["Not answerable"], ShortAnswer(("Not answerable",), "None"))


WORDS = st.lists(st.text("abcdefgh", min_size=1, max_size=6), min_size=1, max_size=8)


@given(WORDS, WORDS, WORDS)
def test_a_stretch_that_is_the_answer_scores_1_and_none_scores_more(before, words, after):
    wanted = ShortAnswer((" ".join(words),), "Str")
    text = " ".join([*before, *words, *after])
    assert best_stretch([text], wanted) == 1.0
    assert 0.0 <= score(text, wanted) <= 1.0


@given(WORDS, WORDS)
def test_no_stretch_is_better_than_the_best_one(words, wanted):
    answer = ShortAnswer((" ".join(wanted),), "Str")
    runs = [" ".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, len(words) + 1)]
    assert best_stretch([" ".join(words)], answer) == pytest.approx(max(score(run, answer) for run in runs))


GUESSES = [
    ("380", "Int"), ("4,257", "Int"), ("-3", "Int"), ("007", "Str"), (380, "Int"), (17.5, "Float"), ("51%", "Float"),
    ("$1,577.00", "Float"), ("2009-07", "Str"), ("4G", "Str"), ("one", "Str"), ("['a', 'b']", "List"),
    ('["a"]', "List"), (["a", 2], "List"), ("[not a list", "Str"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "form"), GUESSES)
def test_a_format_is_guessed_where_it_is_plain(value, form):
    assert read_answer(value).form == form


@pytest.mark.parametrize(
    ("value", "form", "words"),
    [
        (None, None, "must be text, a number or a list, not None"),
        (True, None, "not True"),
        ("", "Str", "not ''"),
        ([], "List", "not []"),
        ({"a": 1}, "Str", "must be text"),
        ("many", "Int", "must be a number for format Int, not 'many'"),
        ("nan", "Float", "must be a number for format Float"),
    ],
)
def test_what_is_no_answer_is_refused(value, form, words):
    with pytest.raises(ValueError, match=r"must be") as caught:
        read_answer(value, form)
    assert words in str(caught.value)


@given(st.text("[]'\"(){},:-+0123456789abce", max_size=200))
def test_text_that_looks_like_a_list_is_read_or_left_alone(text):
    found = read_answer(f"[{text}", "List")
    assert found.form == "List"
    assert all(isinstance(part, str) for part in found.parts)


def test_a_list_that_is_very_deep_or_long_is_text():
    for text in ("[" * 5000 + "]" * 5000, "[" + "-" * 9000 + "1]"):
        assert read_answer(text, "List").parts == (text,)
