"""Figures and dates of a claim are those of its quotes, whatever their form; and nothing else is."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrag.ask.figures import Figures


def missing(claim, quote, page="", question=""):
    return Figures(claim).missing([Figures(quote, page.split())], Figures(question))


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("Revenue rose to 41 %.", "revenue rose to 41 percent"),
        ("Revenue rose to 41%.", "revenue rose to 41.0 per cent"),
        ("It rose by 3 percentage points.", "up 3 pp"),
        ("It cost $1.2 billion.", "a cost of $1,200 million"),
        ("It cost 1,200,000 dollars.", "$1.2m"),
        ("It cost $5k.", "$5,000"),
        ("It costs EUR 5.", "€5"),
        ("It costs 5 million.", "$5 million"),  # less is said, nothing else
        ("From 1,100 to 1,200 million.", "1,100 million to 1,200 million"),
        ("From 40 to 41 %.", "40 % to 41 %"),
        ("From 40% to 41%.", "40-41 %"),
        ("It takes 5 to 10 hours.", "5-10 hrs"),
        ("There are twelve ships.", "12 ships"),
        ("There are 25 ships.", "twenty-five ships"),
        ("It has 3 engines.", "three engines"),
        ("It fell by 41.", "a change of (41)"),
        ("The loss was 41.", "(41)"),
        ("Net income was -41.", "a net loss of 41"),
        ("Freight is the largest (41 %).", "freight 41 %"),
        ("It opened later (2024).", "opened in 2024"),
        ("One of the ships is red.", "this ship is red"),
        ("It was on 12 March 2024.", "2024-03-12"),
        ("It was on 2024-03-12.", "March 12, 2024"),
        ("It was on 12.03.2024.", "the 12th of March 2024"),
        ("It was on 3/12/2024.", "12 March 2024"),  # in America; elsewhere 3 December
        ("It was in March 2024.", "on 12 Mar. 2024"),
        ("It was in 2024.", "on 12 March 2024"),
        ("It was in 2024.", "12.03.2024"),
        ("It is 12,5 %.", "12.5 %"),
        ("It is 1,577.5.", "1577.5"),
        ("It flies with Boeing 737 in Q3.", "a Boeing 737 in Q3"),
    ],
)
def test_a_figure_is_the_same_in_another_form(claim, quote):
    assert missing(claim, quote) == ()


@pytest.mark.parametrize(
    ("claim", "quote", "lost"),
    [
        ("Revenue rose to 41 %.", "revenue rose to 14 %", "41"),
        ("Revenue rose by 41 %.", "revenue rose by 41 points", "41"),
        ("It rose by 3 percentage points.", "up 3 %", "3"),
        ("It rose by 3 basis points.", "up 3 points", "3"),
        ("It was 41.", "it was 41 %", "41"),
        ("It was $5.", "€5", "5"),
        ("It was 5 euros.", "$5", "5"),
        ("It was 5 billion.", "5 million", "5"),
        ("It was 5.", "5 million", "5"),
        ("It was 1,577 million.", "1,577", "1,577"),
        ("It takes 5 hours.", "5 days", "5"),
        ("It takes 5 kW.", "5 kWh", "5"),
        ("There are twelve ships.", "11 ships", "twelve"),
        ("There are twenty-five ships.", "20 ships and 5 boats", "twenty-five"),
        ("Profit was 41.", "profit was (41)", "41"),
        ("Profit was (41).", "profit was 41", "41"),
        ("It is 5 °C.", "it is -5 °C", "5"),
        ("It is -5 °C.", "it is 5 °C", "5"),
        ("It was on 12 March 2024.", "12 May 2024", "12 March 2024"),
        ("It was on 12 March 2024.", "13 March 2024", "12 March 2024"),
        ("It was on 12 March 2024.", "12 March 2023", "12 March 2024"),
        ("It was on 12 March 2024.", "12 of 24 ships in 2024", "12 March 2024"),
        ("It was on 2024-03-12.", "2024-12-03", "2024-03-12"),
        ("It was in March 2024.", "2024", "March 2024"),
        ("From 5 to 10 bar.", "5 to 12 bar", "10"),
        ("It is 2024.", "20,24", "2024"),
    ],
)
def test_another_figure_is_named(claim, quote, lost):
    assert missing(claim, quote) == (lost,)


def test_a_table_says_its_scale_and_units_once():
    assert missing("Revenue was $1,577 million.", "Revenue 1,577", "in millions of dollars 2025") == ()
    assert missing("Revenue was 1.577 billion.", "Revenue 1,577", "( in millions )") == ()
    assert missing("The share was 41 %.", "Freight 41", "Share of revenue ( % )") == ()
    assert missing("Revenue was 1,577 billion.", "Revenue 1,577", "in millions") == ("1,577",)
    assert missing("Revenue was €1,577.", "Revenue 1,577", "in millions of dollars") == ("1,577",)
    assert missing("Revenue was €1,577.", "Revenue $1,577", "in euros") == ("1,577",)


def test_what_was_asked_needs_no_proof_unless_it_is_an_answer():
    assert missing("In 2025 it was 5.", "5", question="What was it in 2025?") == ()
    assert missing("On 12 March 2024 it was 5.", "5", question="What was it on 2024-03-12?") == ()
    assert missing("Yes, it was 41 %.", "14 %", question="Was it 41 %?") == ("41",)


@given(st.integers(2, 10**9), st.sampled_from(["", " million", " %", " hours", " km"]), st.sampled_from(["", "$"]))
def test_every_number_is_itself_and_no_other(number, unit, currency):
    said = f"{currency}{number:,}{unit}"
    assert missing(f"It was {said}.", f"all in all {currency}{number}{unit}") == ()
    assert missing(f"It was {said}.", f"all in all {currency}{number + 1}{unit}") != ()
    assert missing(f"It was {said}.", f"all in all {currency}{number}0{unit}") != ()


@given(
    st.dates(date(1000, 1, 1), date(2900, 1, 1)),
    st.sampled_from(["%Y-%m-%d", "%d %B %Y", "%B %d, %Y", "%d.%m.%Y", "%b %d %Y"]),
    st.integers(1, 400),
)
def test_every_day_is_itself_and_no_other(day, form, days):
    other = day + timedelta(days)
    assert missing(f"It was on {day:%d %B %Y}.", f"since {day.strftime(form)} or so") == ()
    said = missing(f"It was on {day:%d %B %Y}.", f"since {other.strftime(form)} or so")
    assert said or (form == "%d.%m.%Y" and (other.day, other.month, other.year) == (day.month, day.day, day.year))


@given(st.text(max_size=200), st.text(max_size=200))
def test_whatever_is_said_has_no_figure_that_it_has_not(claim, quote):
    assert missing(claim, claim) == ()
    assert all(isinstance(said, str) for said in missing(claim, quote))


def test_a_question_of_digits_is_no_fault():
    assert missing("It is 5.", "5", question="9" * 5_000) == ()
    assert missing(f"It is {'9' * 2_000}.", "9" * 1_999) == ("9" * 2_000,)
