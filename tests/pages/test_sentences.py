"""Words into sentences and lines of tables, by what is said and where it stands."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search.test_snippet import lines
from vrag.pages.page import Words
from vrag.pages.sentences import sentences


def texts(words):
    return [" ".join(words.texts[start:end]) for start, end in sentences(words)]


def shifted(words, boxes):
    return Words(words.texts, np.asarray(boxes, np.float32), words.lines)


PARAGRAPH = lines(
    "Safety of the ferries",
    "Nobody was seriously injured on board in that",
    "year. There were eleven minor injuries, seven of",
    "them on ramps. Dr. Olsen and K. Brandt wrote No. 7",
    "of the rules.",
)


def test_lines_of_a_paragraph_are_joined_and_cut_at_full_stops():
    assert texts(PARAGRAPH) == [
        "Safety of the ferries",
        "Nobody was seriously injured on board in that year.",
        "There were eleven minor injuries, seven of them on ramps.",
        "Dr. Olsen and K. Brandt wrote No. 7 of the rules.",
    ]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Siehe Abb. 3 und Nr. 7 bzw. Anlage. Dann", "weiter."),
        ("Voir le rapport de Mme. Durand. Ensuite", "suite."),
        ("Véase la pág. 7 de la Sra. Gómez. Luego", "sigue."),
        ("См. рис. 3 на стр. 5 отчёта. Далее", "текст."),
    ],
)
def test_abbreviations_of_other_languages_end_no_sentence(one, two):
    first, _ = one.rsplit(" ", 1)
    assert texts(lines(one, two)) == [first, f"{one.rsplit(' ', 1)[1]} {two}"]


def test_points_of_a_list_keep_their_number():
    assert texts(lines("1. Oars are returned dry. 2. Dogs do not", "sleep in boats.")) == [
        "1. Oars are returned dry.",
        "2. Dogs do not sleep in boats.",
    ]


def test_lines_of_numbers_and_lines_of_cells_stand_alone():
    table = lines("Passengers 402 431 466", "Freight 241 262 285", "Route Crossing Departures")
    boxes = table.boxes.copy()
    boxes[-2:, [0, 2]] += np.float32([[0.1], [0.2]])  # wide gaps
    assert texts(shifted(table, boxes)) == [
        "Passengers 402 431 466",
        "Freight 241 262 285",
        "Route Crossing Departures",
    ]


def test_cells_that_a_file_sets_apart_are_one_line():
    cells = lines("Freight", "in tonnes", "a year")
    boxes = cells.boxes.copy()
    boxes[:, 1], boxes[:, 3] = 0.1, 0.115
    boxes[:, 0] = np.linspace(0.1, 0.8, len(boxes))
    boxes[:, 2] = boxes[:, 0] + 0.05
    assert texts(shifted(cells, boxes)) == ["Freight in tonnes a year"]


@pytest.mark.parametrize("change", ["gap", "size", "column"])
def test_what_is_set_apart_is_read_apart(change):
    two = lines("the fleet has five ships of an", "average age of fourteen years")
    boxes, second = two.boxes.copy(), two.lines == 1
    if change == "gap":
        boxes[second, 1], boxes[second, 3] = 0.2, 0.215
    elif change == "size":
        boxes[second, 3] += 0.02
    else:
        boxes[second] += np.float32([0.5, 0, 0.5, 0])
    assert len(texts(two)) == 1
    assert len(texts(shifted(two, boxes))) == 2


def test_a_line_that_had_room_for_more_ends():
    assert texts(lines("Ivy in September", "feeds the winter bees on all of our eleven roofs")) == [
        "Ivy in September",
        "feeds the winter bees on all of our eleven roofs",
    ]


def test_full_stops_of_japanese_count():
    assert texts(lines("これは文です。 次の文です。")) == ["これは文です。", "次の文です。"]


def test_a_page_without_words_has_none():
    assert sentences(Words()) == []


anywhere = st.tuples(*[st.floats(0, 1, width=32)] * 4)
word = st.tuples(
    st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=5), anywhere, st.integers(0, 1)
)


@given(st.lists(word, min_size=1, max_size=30))
def test_spans_hold_every_word_once_whatever_the_page(made):
    boxes = np.array([(min(a, c), min(b, d), max(a, c), max(b, d)) for _, (a, b, c, d), _ in made], np.float32)
    words = Words(tuple(text for text, _, _ in made), boxes, np.cumsum([new for _, _, new in made], dtype=np.int32))
    spans = sentences(words)
    assert [start for start, _ in spans] == [0, *(end for _, end in spans[:-1])]
    assert spans[-1][1] == len(made)
    assert all(start < end for start, end in spans)
