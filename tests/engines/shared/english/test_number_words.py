"""Numbers as Americans say them."""

from __future__ import annotations

import pytest

from dragoman.engines.shared.english.number_words import (
    cardinal,
    code,
    decimal,
    digits,
    ordinal,
    plural,
    year,
)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("0", "zero"),
        ("7", "seven"),
        ("13", "thirteen"),
        ("42", "forty two"),
        ("100", "one hundred"),
        ("305", "three hundred five"),
        ("1250", "one thousand two hundred fifty"),
        ("1000000", "one million"),
        ("20000000001", "twenty billion one"),
        ("007", "zero zero seven"),
    ],
)
def test_cardinals(written: str, said: str) -> None:
    assert cardinal(written) == said


def test_what_is_too_long_for_a_quantity_is_read_digit_by_digit() -> None:
    assert cardinal("9" * 15).startswith("nine hundred ninety nine trillion")
    assert cardinal("9" * 16) == digits("9" * 16)
    assert cardinal("1" * 200).count("one") == 200
    assert digits("12345") == "one two three, four five"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1", "first"),
        ("12", "twelfth"),
        ("20", "twentieth"),
        ("23", "twenty third"),
        ("100", "one hundredth"),
        ("1009", "one thousand ninth"),
    ],
)
def test_ordinals(written: str, said: str) -> None:
    assert ordinal(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1905", "nineteen oh five"),
        ("1999", "nineteen ninety nine"),
        ("1900", "nineteen hundred"),
        ("2000", "two thousand"),
        ("2005", "two thousand five"),
        ("2024", "twenty twenty four"),
    ],
)
def test_years(written: str, said: str) -> None:
    assert year(written) == said


def test_decimals_codes_and_plurals() -> None:
    assert decimal("3", "14") == "three point one four"
    assert decimal("", "5") == "zero point five"
    assert [code("12"), code("747"), code("2490")] == [
        "twelve",
        "seven four seven",
        "twenty four ninety",
    ]
    assert [plural("nineteen ninety"), plural("six"), plural("hundred")] == [
        "nineteen nineties",
        "sixes",
        "hundreds",
    ]
