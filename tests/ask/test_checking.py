"""A quote is supported when its page says it, number for number, and nothing else is."""

import importlib.util
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search.pages import lines
from vrag.ask import alignment, cells, checking, haystack, table_rows
from vrag.ask.checking import MOST_PARTS, check
from vrag.ask.tokens import tokens_of
from vrag.pages.page import Words
from vrag.pages.readable_text import readable_text

PAGE = lines(
    "Net revenue rose to $1,577.5 million in fiscal 2018, up 12.5% from the prior year.",
    "The committee did not approve the merger with Contoso Holdings before 14 March 2019.",
    "Operating income was (4.2) percent of sales, and free cash flow fell by -3.1 points to",
    "an inter-",
    "national low of 1.2 billion euros; none of the proﬁt was distributed to shareholders.",
)


def table(*rows, widths=(0.3, 0.1, 0.1, 0.1)):
    """Words of a table whose reading order is column by column."""
    words, line = [], 0
    for column in range(len(rows[0])):
        left = 0.05 + sum(widths[:column])
        for number, row in enumerate(rows):
            at, line = left, line + 1
            for word in row[column].split():
                right = at + 0.008 * len(word)
                words.append((word, (at, 0.1 + 0.03 * number, right, 0.115 + 0.03 * number), line))
                at = right + 0.005
    texts, boxes, numbers = zip(*words, strict=True)
    return Words(texts, np.array(boxes, np.float32), np.array(numbers, np.int32))


def test_the_text_that_a_model_is_shown_is_found_as_it_was_shown():
    """With a sign between its cells, also where a currency or a parenthesis is a cell of its own."""
    words = rows_of(
        "Net income | $ | 5,363 | ( | 4.2 | ) | - | 7.5 | %", "Amount of S | 1,577.5 | million", "Notes ....... 12"
    )
    shown = readable_text(words).split("\n")
    assert shown[0] == "Net income | $ | 5,363 | ( | 4.2 | ) | - | 7.5 | %"
    assert shown[2] == "Notes ... 12"
    for line in (*shown, " ".join(shown[:2]), f"| {shown[0]} |"):
        assert check(line, words).status == "supported", line
    assert tokens_of(shown[0].split()).keys == tokens_of(words.texts[:10]).keys
    for said, altered in (("5,363", "5,364"), ("( | 4.2", "( | 4.3"), ("income", "loss")):
        assert check(shown[0].replace(said, altered), words).status == "changed"


def rows_of(*rows):
    """Words of rows whose cells are parted by " | "."""
    cells = [(cell, i, line) for line, row in enumerate(rows) for i, cell in enumerate(row.split(" | "))]
    placed = [
        (word, (0.1 * i, 0.1 * line, 0.1 * i + 0.05, 0.1 * line + 0.05), line)
        for cell, i, line in cells
        for word in cell.split()
    ]
    texts, boxes, numbers = zip(*placed, strict=True)
    return Words(texts, np.array(boxes, np.float32), np.array(numbers, np.int32))


CASH = table(
    ("(Millions)", "2018", "2017", "2016"),
    ("Net income", "$ 5,363", "4,869", "5,058"),
    ("Capital expenditures", "(1,577)", "(1,373)", "(1,420)"),
    ("Depreciation and amortization", "1,488", "1,544", "1,474"),
)


@pytest.mark.parametrize(
    "quote",
    [
        "Net revenue rose to $1,577.5 million in fiscal 2018",
        "net  revenue rose to $ 1577.5\nmillion in fiscal 2018",
        "free cash flow fell by \N{MINUS SIGN}3.1 points to an international low of 1.2 billion euros",
        "did not ap-\nprove the merger with Contoso Holdings",
        "the profit was distributed to shareholders",
        "Net reverue rose to $1,S77.5 rnillion in fiscal 20l8",
        "Operating income was -4.2 percent of sales",
        "… rose to $1,577.5 million […] up 12.5% from the prior year …",
        "The committee did not approve the rnerger with Contoso Ho1dings",
        "Net revenue rose to S 1,577.5 million",
        "the mergèr with Cont\u02c6oso Holdings",
        "Netrevenue rose to $1,577.5 mil lion",
    ],
)
def test_what_the_page_says_is_supported_however_it_is_set(quote):
    assert check(quote, PAGE).status == "supported"


@pytest.mark.parametrize(
    ("quote", "said", "stands"),
    [
        ("Net revenue rose to $1,571.5 million in fiscal 2018", "1,571.5", "1,577.5"),
        ("Net revenue rose to $15,775 million in fiscal 2018", "15,775", "1,577.5"),
        ("Net revenue rose to $1,577.5 billion in fiscal 2018", "billion", "million"),
        ("Net revenue rose to €1,577.5 million in fiscal 2018", "€", "$"),
        ("Net revenue rose to $(1,577.5) million in fiscal 2018", "1,577.5", "1,577.5"),
        ("Operating income was 4.2 percent of sales", "4.2", "4.2"),
        ("up 12.5 points from the prior year", "points", "%"),
        ("The committee did approve the merger with Contoso Holdings", "", "not"),
        ("The committee did not approve the merger with Fabrikam Holdings", "Fabrikam", "Contoso"),
        ("the merger with Contoso Holdings before 14 May 2019", "May", "March"),
        ("some of the profit was distributed to shareholders", "some", "none"),
        ("the committee did not disapprove the merger with Contoso Holdings", "disapprove", "approve"),
    ],
)
def test_what_is_changed_in_one_place_is_refused_and_the_place_is_named(quote, said, stands):
    found = check(quote, PAGE)
    assert found.status == "changed"
    assert [(one.said, one.stands) for one in found.mismatches] == [(said, stands)]
    assert found.boxes


@pytest.mark.parametrize("quote", ["The weather in Bergen is mostly rainy in autumn", "", "— …", "17"])
def test_what_is_not_there_is_not_found(quote):
    found = check(quote, PAGE)
    assert (found.status, found.boxes, len(found.words)) == ("not found", (), 0)


def test_a_number_is_not_part_of_a_longer_one():
    assert check("577.5 million in fiscal 2018", PAGE).status == "changed"
    assert check("in fiscal 201", PAGE).status == "changed"
    assert check("2018", PAGE).status == "supported"
    assert check("5 7 apples and pears", lines("57 apples and pears are here")).status == "changed"
    assert check("57 apples and pears", lines("5 7 apples and pears are here")).status == "changed"


def test_two_places_that_are_alike_are_told_apart_by_their_numbers():
    page = lines("Sales of the north region were 1,204 units in May",
                 "Sales of the south region were 1,240 units in May",
                 "Sales of the south region were 1,420 units in May")  # fmt: skip
    found = check("Sales 0f the south region were 1,420 units in May", page)
    assert found.status == "supported"
    assert {page.lines[i] for i in found.words} == {2}


def test_boxes_are_one_a_line_around_what_was_matched():
    found = check("up 12.5% from the prior year. The committee did not approve", PAGE)
    first, second = found.boxes
    words = [PAGE.texts[i] for i in found.words]
    assert " ".join(words) == "up 12.5% from the prior year. The committee did not approve"
    assert first == pytest.approx(around([i for i in found.words if PAGE.lines[i] == 0]), abs=1e-4)
    assert second == pytest.approx(around([i for i in found.words if PAGE.lines[i] == 1]), abs=1e-4)


def test_what_stands_between_two_words_is_framed_with_them():
    page = lines("Research & development rose by 5 percent")
    assert len(check("research & development rose", page).boxes) == 1
    assert len(check("research development rose", page).boxes) == 1


def around(words):
    boxes = PAGE.boxes[words]
    return (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))


@pytest.mark.parametrize(
    "quote",
    [
        "Capital expenditures (1,577) (1,373) (1,420)",  # a row, though the page is read by columns
        "Capital expenditures (1,373)",
        "Capital expenditures 2018 (1,577)",
        "2017 Capital expenditures -1,373",
        "Net income 5,363",
        "Net income $5,363",
        "2018 2016 Net income $ 5,363 5,058",
    ],
)
def test_the_cells_of_a_row_with_the_heads_above_them_are_supported(quote):
    found = check(quote, CASH)
    assert found.status == "supported"
    assert len(found.boxes) >= 2


@pytest.mark.parametrize(
    "quote",
    [
        "Capital expenditures 2017 (1,577)",  # another year's
        "Capital expenditures 5,363",  # another row's
        "Capital expenditures 1,577",  # without its sign
        "2018 2016 Net income 5,058 5,363",
        "Net 5,363",  # half a cell
        "Net income 2018",  # no number of the row
    ],
)
def test_cells_that_do_not_belong_together_are_not(quote):
    assert check(quote, CASH).status != "supported"


REGIONS = table(
    ("In thousands", "2023", "2022"),
    ("Germany", "", ""),
    ("Revenue", "300", "290"),
    ("France", "", ""),
    ("Revenue", "500", "480"),
    ("Costs", "410", "400"),
    ("Staff", "2021", "2020"),
    ("Sailors", "70", "65"),
)


@pytest.mark.parametrize(
    ("quote", "count"),
    [
        ("2018 … Capital expenditures (1,577)", 2),
        ("(Millions) 2018 2017 2016 … Capital expenditures (1,577) (1,373) (1,420)", 2),
        ("2018 2017 2016 … Depreciation and amortization 1,488 1,544 1,474", 2),
    ],
)
def test_heads_before_an_ellipsis_stand_over_the_row_behind_it(quote, count):
    found = check(quote, CASH)
    assert found.status == "supported"
    assert len({round(float(CASH.boxes[i, 1]), 2) for i in found.words}) == count


@pytest.mark.parametrize("quote", ["2017 … Capital expenditures (1,577)", "Net … Capital expenditures (1,577)",
                                   "1,488 … Capital expenditures (1,577)", "2018 … Capital expenditures"])  # fmt: skip
def test_what_is_not_over_the_row_is_no_head_of_it(quote):
    assert check(quote, CASH).status != "supported"


def test_a_row_belongs_to_the_group_and_the_table_above_it():
    assert check("2023 2022 … France … Revenue 500 480", REGIONS).status == "supported"
    assert check("Germany … Revenue 300 290", REGIONS).status == "supported"
    assert check("Germany … Revenue 500 480", REGIONS).status != "supported"
    assert check("2021 2020 … Sailors 70 65", REGIONS).status == "supported"
    assert check("2023 2022 … Sailors 70 65", REGIONS).status != "supported"


def test_heads_are_framed_over_their_own_table():
    page = lines("Ships 2023 2022 2021", "Ferries 1 2 3", "Two tables stand here, one below the other.",
                 "Crew 2023 2022 2021", "Sailors 4 5 6", "Cooks 7 8 9")  # fmt: skip
    found = check("2023 2022 2021 … Cooks 7 8 9", page)
    assert found.status == "supported"
    assert {page.lines[i] for i in found.words} in ({0, 5}, {3, 5})


def test_parts_stand_in_the_order_in_which_they_are_said():
    said = ("The committee did not approve", "fell by -3.1 points", "Net revenue rose to")
    found = check(f"{said[0]} … {said[1]}", PAGE)
    assert found.status == "supported"
    turned = check(f"{said[1]} … {said[0]} […] {said[2]}", PAGE)
    assert turned.status == "changed"
    assert [(one.said, one.stands) for one in turned.mismatches] == [
        (f"{said[1]} … {said[0]} … {said[2]}", f"{said[2]} … {said[0]} … {said[1]}")
    ]
    assert turned.boxes


def test_a_part_that_repeats_is_looked_for_behind_the_one_before():
    page = lines("The valve opens at 6 bar.", "Pump three is red all over.", "The valve opens at 6 bar.")
    found = check("Pump three is red … The valve opens at", page)
    assert found.status == "supported"
    assert {page.lines[i] for i in found.words} == {1, 2}


def test_parts_may_follow_each_other_line_by_line_across_columns():
    assert check("Net income $ 5,363 4,869 … Capital expenditures (1,577) (1,373)", CASH).status == "supported"
    assert check("Capital expenditures (1,577) (1,373) … Net income $ 5,363 4,869", CASH).status == "changed"


def test_cells_that_repeat_are_not_put_together_in_every_way(monkeypatch):
    tried = []
    composed = cells._said_at
    monkeypatch.setattr(cells, "_said_at", lambda *given: tried.append(1) or composed(*given))
    page = table(*[("item", "0", "0", "0")] * 60, widths=(0.1, 0.1, 0.1, 0.1))
    assert check("item " + "0 " * 40 + "1", page).status != "supported"
    assert 0 < len(tried) <= cells.MOST_STEPS


def test_a_quote_of_many_parts_was_put_together_by_nobody():
    page = lines(*(f"Sailor {number} is on board today" for number in range(2 * MOST_PARTS)))
    parts = [" ".join(page.texts[i : i + 4]) for i in range(0, 6 * 2 * MOST_PARTS, 6)]
    assert check(" … ".join(parts[:MOST_PARTS]), page).status == "supported"
    assert check(" … ".join(parts[: MOST_PARTS + 1]), page).status != "supported"
    dots = " … ".join(page.texts[: MOST_PARTS + 2])  # of a list that has them itself
    assert check(dots, page).status == "supported"


def counting(monkeypatch, module, name, size):
    """Sizes of the first argument of each call of a function of a module."""
    seen, real = [], getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given, **named: seen.append(size(given[0])) or real(*given, **named))
    return seen


def test_a_page_is_cut_into_tokens_a_fixed_number_of_times_however_many_parts_a_quote_has(monkeypatch):
    """Also where parts are spoilt, and so looked for in every way, behind the part before and on the whole page."""
    modules = (checking, haystack, table_rows)
    seen = [counting(monkeypatch, module, "tokens_of", len) for module in modules]
    names = [f"{first}{second}enderson" for first in "ABCDEFGH" for second in "klmnop"]
    page = lines(*(f"{name} has apples and pears in {name} hall" for name in names))
    for count in (2, MOST_PARTS):
        before = sum(map(sum, seen))
        quote = " … ".join(f"{name} has appIes and pcars" for name in names[:count])
        assert check(quote, page).status == "supported"
        assert 0 < sum(map(sum, seen)) - before <= 3 * len(page) + 3 * len(quote.split())


def test_letters_that_are_compared_at_a_time_are_bounded(monkeypatch):
    """The time for it grows with their third power."""
    compared = counting(monkeypatch, alignment.fuzz, "partial_ratio_alignment", len)
    page = lines(*(" ".join(f"word{number}of{line}" for number in range(12)) for line in range(20)))
    for quote in ("x" * 2000, " ".join("x" * 2000)):
        assert check(quote, page).status == "not found"
    assert check(" ".join(page.texts).replace("word", "vvord"), page).status == "supported"
    assert 0 < max(compared) <= 500
    assert check("y" * 700, lines("It is " + "y" * 700)).status == "supported"


def test_the_heads_of_a_wide_table_are_looked_for_in_so_many_steps(monkeypatch):
    looked = counting(monkeypatch, cells, "heads_of", lambda row: len(row.cells))
    wide = table(*[("item", *["1"] * 50)] * 40, widths=(0.1, *(0.03,) * 50))
    assert check(" … ".join(["item 1 2"] * MOST_PARTS), wide).status != "supported"
    assert 0 < sum(looked) <= cells.MOST_STEPS / 10
    page = table(("item", *["1"] * 300), widths=(0.1, *(0.03,) * 300))
    assert table_rows.PageRows(page).rows[0].cells == ()


def test_scripts_without_spaces_are_compared_sign_by_sign():
    page = lines("売上高は前年比五パーセント増の百億円となった。")
    assert check("前年比五パーセント増", page).status == "supported"
    assert check("前年比六パーセント増", page).status == "changed"


@given(st.lists(st.text(max_size=8), max_size=30), st.text(max_size=200))
def test_whatever_stands_on_a_page_a_quote_of_it_is_checked(words, quote):
    texts = [word for text in words for word in text.split()]
    page = lines(" ".join(texts)) if texts else Words()
    found = check(quote, page)
    assert set(found.words.tolist()) <= set(range(len(page)))
    tokens = tokens_of(texts)
    assert all(0 <= word < len(texts) for word in tokens.words)


@given(st.integers(0, 40), st.integers(3, 20))
def test_every_stretch_of_a_page_is_supported_there(start, size):
    texts = PAGE.texts[start : start + size]
    assert check(" ".join(texts), PAGE).status == "supported"


def test_quotes_are_found_with_noise_and_refused_with_changes():
    """The program that measures real pages, on these."""
    file = Path(__file__).parents[2] / "eval" / "quotes.py"
    spec = importlib.util.spec_from_file_location("quotes", file)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    shares = program.measure([PAGE, CASH], 200, random.Random(0), lambda _: None)
    assert set(shares) == {"spoilt", "elsewhere", "all", *program.ALTERATIONS}
    assert shares["spoilt"] >= 0.97
    assert shares["all"] >= 0.99
    assert shares["digit"] == shares["sign"] == 1
