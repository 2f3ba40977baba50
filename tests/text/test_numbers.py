"""Numbers in texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.text.numbers import cuts_number, lost_numbers, with_digits

WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen - - twenty thirty forty fifty sixty seventy eighty ninety"
)
ONES, TENS = WORDS.split()[:20], WORDS.split()[20:]


def in_words(number: int) -> str:
    if number < 20:
        return ONES[number]
    if number < 100:
        ones = f"-{ONES[number % 10]}" if number % 10 else ""
        return TENS[number // 10] + ones
    for unit, name in ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred")):
        if number >= unit:
            rest = number % unit
            joined = " and " if rest < 100 else " "
            return f"{in_words(number // unit)} {name}" + (joined + in_words(rest) if rest else "")
    raise AssertionError


@given(st.integers(101, 999_999_999))
def test_english_numbers_become_digits(number: int) -> None:
    words = in_words(number)
    parts = [word for word in words.replace("-", " ").split() if word != "and"]
    expected = str(number) if len(parts) > 2 else words
    assert with_digits(f"About {words}, and more.") == f"About {expected}, and more."


@pytest.mark.parametrize(
    "text",
    [
        "about fourteen fifty-five",
        "one, two, three and four",
        "one and two and three",
        "platforms one and three",
        "twenty twenty-one",
        "hundred and thousand and million",
        "a hundred",
        "",
    ],
)
def test_what_is_no_single_number_stays(text: str) -> None:
    assert with_digits(text) == text


@pytest.mark.parametrize(
    ("source", "translation", "lost"),
    [
        ("3,500 people in 1999", "3.500 personas en 1999", []),
        ("3 500 people", "3.500 personas", []),
        ("17,216 books", "17.316 libros", ["17,216"]),
        ("2 books and 12", "dos libros y 12", []),
        ("12 and 12", "12", ["12"]),
        ("at 12:30", "a las 12.30", ["12", "30"]),
        ("none", "1999", []),
    ],
)
def test_lost_numbers(source: str, translation: str, lost: list[str]) -> None:
    assert lost_numbers(source, translation) == lost


@pytest.mark.parametrize(
    ("before", "after", "cuts"),
    [
        ("sold four hundred", "", True),
        ("four hundred and", "", True),
        ("four hundred", "and", True),
        ("four hundred", "and eight", True),
        ("four hundred", "and they", False),
        ("four hundred and", "they", False),
        ("four hundred", "books", False),
        ("four", "hundred", True),
        ("twenty", "one.", True),
        ("this one", "", False),
        ("platforms one", "and three", False),
        ("men and", "", False),
        ("hundred,", "and one", False),
        ("", "two", False),
    ],
)
def test_cuts_through_numbers(before: str, after: str, cuts: bool) -> None:
    assert cuts_number(before.split(), after.split()) is cuts
