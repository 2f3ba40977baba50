"""Times and dates in English, turned into words: "7:30 pm", "March 3, 2024", "2024-03-05".

Scope: ``CALENDAR_RULES``, for ``written_forms``. A date of numbers alone has the month in front,
as in America, unless that is impossible.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from dragoman.engines.shared.english.number_words import cardinal, ordinal
from dragoman.engines.shared.english.number_words import year as year_words

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]

_CALENDAR = "January February March April May June July August September October November December"
_MONTHS = _CALENDAR.split()
_MONTH = "|".join([*_MONTHS, *(f"{month[:3]}\\b\\.?" for month in _MONTHS), r"Sept\b\.?"])
_HALF_OF_DAY = r"\s?([AaPp])\.?[Mm]\b\.?"


def _time(match: re.Match[str]) -> str:
    hour, minute, half = int(match[1]), match[2], match[3]
    if hour > 24 or int(minute) > 59:
        return match[0]
    words = cardinal(str(hour))
    if int(minute):
        words += " oh" * (minute[0] == "0") + f" {cardinal(str(int(minute)))}"
    elif not half:
        words += " o'clock" if 0 < hour < 13 else " hundred"
    return f"{words} {half.upper()}.M." if half else words


def _date(month: int, day: str, year: str) -> str:
    words = f"{_MONTHS[month - 1]} {ordinal(str(int(day)))}"
    return f"{words}, {_year(year)}" if year else words


def _year(text: str) -> str:
    return year_words(text) if len(text) == 4 and "1100" <= text <= "2099" else cardinal(text)


def _numeric_date(match: re.Match[str]) -> str:
    first, second, year = int(match[1]), int(match[2]), match[3]
    month, day = (first, second) if first <= 12 else (second, first)
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    if len(year) == 2:
        year = ("19" if year > "40" else "20") + year
    return _date(month, str(day), year)


def _iso_date(match: re.Match[str]) -> str:
    month, day = int(match[2]), int(match[3])
    return _date(month, match[3], match[1]) if 0 < month <= 12 and 0 < day <= 31 else match[0]


def _month_of(name: str) -> str:
    return next(month for month in _MONTHS if month.startswith(name[:3]))


def _month_day(match: re.Match[str]) -> str:
    if not 1 <= int(match[2]) <= 31:
        return match[0]
    year = f", {_year(match[3])}" if match[3] else ""
    return f"{_month_of(match[1])} {ordinal(str(int(match[2])))}{year}"


def _day_month(match: re.Match[str]) -> str:
    if not 1 <= int(match[1]) <= 31:
        return match[0]
    year = f", {_year(match[3])}" if match[3] else ""
    return f"the {ordinal(str(int(match[1])))} of {_month_of(match[2])}{year}"


def _full_hour(match: re.Match[str]) -> str:
    hour = int(match[1])
    return f"{cardinal(str(hour))} {match[2].upper()}.M." if hour < 25 else match[0]


CALENDAR_RULES: tuple[Rule, ...] = (
    (re.compile(rf"(?<!\d)(\d{{1,2}}):(\d\d)(?!\d)(?:{_HALF_OF_DAY})?"), _time),
    (re.compile(rf"(?<![\d:])(\d{{1,2}}){_HALF_OF_DAY}"), _full_hour),
    (re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b"), _iso_date),
    (re.compile(r"\b(\d{1,2})/(\d{1,2})/(\d{4}|\d\d)\b"), _numeric_date),
    (
        re.compile(rf"\b({_MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?\b(?![:%])(?:,? (\d{{4}})\b)?"),
        _month_day,
    ),
    (
        re.compile(
            rf"\b(?:[Tt]he )?(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({_MONTH})\b(?:,? (\d{{4}})\b)?"
        ),
        _day_month,
    ),
)
