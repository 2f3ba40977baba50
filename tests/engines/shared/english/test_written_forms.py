"""What is said for what is written: numbers, dates, money, units, abbreviations, addresses."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engines.shared.english.tables import forms

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    ("written", "said"),
    [
        # times and dates
        ("at 7:30 pm", "at seven thirty P.M."),
        ("at 7 a.m. today", "at seven A.M. today"),
        ("at 9:05", "at nine oh five"),
        ("at 10:00", "at ten o'clock"),
        ("the score is 99:75", "the score is ninety nine:seventy five"),
        ("March 3, 2024", "March third, twenty twenty four"),
        ("on 3 March 1999", "on the third of March, nineteen ninety nine"),
        ("by Sept. 21st", "by September twenty first"),
        ("2024-03-05", "March fifth, twenty twenty four"),
        ("12/31/99", "December thirty first, nineteen ninety nine"),
        ("31/12/2024", "December thirty first, twenty twenty four"),
        ("in 1905 and 2005", "in nineteen oh five and two thousand five"),
        ("the 1990s and '80s", "the nineteen nineties and eighties"),
        # money and amounts
        ("$9.99", "nine dollars and ninety nine cents"),
        ("$1", "one dollar"),
        ("£5.01", "five pounds and one penny"),
        ("$0.50", "fifty cents"),
        ("$20.00", "twenty dollars"),
        ("$3.5 million", "three point five million dollars"),
        ("€20bn", "twenty billion euros"),
        ("costs 30€.", "costs thirty euros."),
        ("15% more", "fifteen percent more"),
        ("1,250 units", "one thousand two hundred fifty units"),
        ("10 km in 45 min", "ten kilometers in forty five minutes"),
        ("1 kg", "one kilogram"),
        ("-5°C", "minus five degrees Celsius"),
        ("the 3rd", "the third"),
        ("3/4 cup", "three quarters cup"),
        ("24/7", "twenty four seven"),
        ("2+2=4", "two plus two equals four"),
        ("a < b", "a less than b"),
        ("aged 18-65", "aged eighteen to sixty five"),
        ("call 555-1234", "call five five five, one two three four"),
        ("version 1.0.3", "version one point zero point three"),
        ("flight BA2490", "flight BA twenty four ninety"),
        ("agent 007", "agent zero zero seven"),
        ("10x and 10s", "ten x and ten s"),
        # abbreviations
        ("Dr. Smith of 221 Baker St.", "Dr Smith of two hundred twenty one Baker Street."),
        ("St. Paul", "Saint Paul"),
        ("No. 7", "number seven"),
        ("apples, e.g. red ones", "apples, for example, red ones"),
        ("Henry VIII", "Henry the eighth"),
        ("World War II", "World War two"),
        ("Chapter IX", "Chapter nine"),
        ("Tom & Ann", "Tom and Ann"),
        # addresses
        ("https://example.org/docs/", "example dot org slash docs"),
        ("www.example.com.", "w w w dot example dot com."),
        ("me@my-host.org", "me at my dash host dot org"),
        # what is markup to somebody is not read out
        ('<b class="x">one</b>', 'b class "x" one b'),
    ],
)  # fmt: skip
def test_written_forms(written: str, said: str) -> None:
    assert forms().spoken(written) == said


@given(st.text(alphabet="0123456789.,:/-$€% °'kmstndApB@#=<>~", max_size=60))
def test_no_digit_is_left_of_any_row_of_marks_and_digits(text: str) -> None:
    assert not re.search(r"\d", forms().spoken(text))


def test_a_long_text_takes_time_in_proportion() -> None:
    """A rule that tries again from every place would take minutes."""
    began = time.process_time()
    for text in ("1," * 2000, "7-" * 2000, "a.b" * 1300, "1.2" * 1300, "$1" * 2000, "www." * 1000):
        assert forms().spoken(text)
    assert time.process_time() - began < 20
