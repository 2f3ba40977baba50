"""English as it is written, turned into the words that are said: numbers, dates, money, addresses.

Scope: text to text, one rule after another; what comes out has no digits and no symbols, only
words and punctuation. The tables of abbreviations, units and currencies come from outside.

Everything here is linear in the text, whose words are of bounded length (``text.spoken``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dragoman.engines.shared.english.calendar_forms import CALENDAR_RULES, Rule
from dragoman.engines.shared.english.number_words import (
    cardinal,
    code,
    decimal,
    digits,
    ordinal,
    plural,
)
from dragoman.engines.shared.english.number_words import year as year_words

_NUMBER = r"\d[\d,]*(?:\.\d+)?"
_MAGNITUDE = "hundred|thousand|million|billion|trillion"
_SHORT_MAGNITUDE = {"k": "thousand", "m": "million", "b": "billion", "bn": "billion"}
_CENTS = {
    "dollar": ("cent", "cents"),
    "euro": ("cent", "cents"),
    "pound": ("penny", "pence"),
}
_FRACTIONS = {2: "half", 4: "quarter"}
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_PLAIN = str.maketrans({"’": "'", "‘": "'", "‒": "-", "‑": "-", "―": "—"})
_SIGNS = {"+": "plus", "&": "and", "@": "at", "%": "percent"}
_ADDRESS_NAMES = {
    ".": "dot",
    "/": "slash",
    "@": "at",
    "-": "dash",
    "_": "underscore",
    ":": "colon",
    "+": "plus",
}
_ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s,;!?()\"]+(?:\?[^\s,;!()\"]+)?|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|\b(?:[\w-]+\.)+(?:com|org|net|edu|gov|io|dev|ai|eu|uk|de|fr|es|info)\b(?:/[^\s,;!?()\"]*)?"
)
_SPACES = re.compile(r"\s+")
_SPACE_BEFORE_MARK = re.compile(r" +([,.;:!?])")


def _address(match: re.Match[str]) -> str:
    text = re.sub(r"^https?://", "", match[0])
    end = len(text.rstrip(".:"))
    spaced = re.sub(
        r"[^\w]|_", lambda mark: f" {_ADDRESS_NAMES.get(mark[0], '')} ", text[:end].rstrip("/")
    )
    return re.sub(r"\bwww\b", "w w w", spaced) + text[end:]


def _fraction(match: re.Match[str]) -> str:
    above, below = int(match[1]), int(match[2])
    if not 0 < above < below <= 10:
        return f"{cardinal(str(above))} {cardinal(str(below))}"  # 24/7
    part = _FRACTIONS.get(below) or ordinal(str(below))
    many = "halves" if part == "half" else f"{part}s"
    return f"{cardinal(str(above))} {part if above == 1 else many}"


def _roman(text: str) -> str:
    values = [_ROMAN[letter] for letter in text]
    return str(
        sum(
            -value if value < max(values[at:], default=0) else value
            for at, value in enumerate(values)
        )
    )


def number(text: str) -> str:
    """``"1,250.5"`` → words; several full stops (a version, an address) are read part by part."""
    parts = text.replace(",", "").split(".")
    if len(parts) == 2:
        return decimal(*parts)
    return " point ".join(map(cardinal, parts))


def _bare_number(match: re.Match[str]) -> str:
    text, suffix = match[1], match[2]
    if suffix in ("st", "nd", "rd", "th"):
        return ordinal(text.replace(",", ""))
    is_year = len(text) == 4 and text.isdigit() and "1100" <= text <= "2099"
    words = year_words(text) if is_year else number(text)
    if suffix and text.endswith("0") and len(text) > 1 and text != "10":  # the 90s, 1990s
        return plural(words)
    return f"{words} {suffix}" if suffix else words


def _degrees(match: re.Match[str]) -> str:
    scale = {"C": " Celsius", "F": " Fahrenheit"}.get(match[2] or "", "")
    return f"{_signed(match[1])} {_counted(match[1], ('degree', 'degrees'))}{scale}"


def _telephone(match: re.Match[str]) -> str:
    return ", ".join(digits(part) for part in re.findall(r"\d+", match[0]))


_PLAIN_RULES: tuple[Rule, ...] = (
    (re.compile(r"[’‘‒‑―]"), lambda mark: mark[0].translate(_PLAIN)),
    (_ADDRESS, _address),
)
_NUMBER_RULES: tuple[Rule, ...] = (
    (re.compile(rf"(?<![\w.])([-−]?{_NUMBER})\s?°\s?([CF]\b)?"), _degrees),
    (
        re.compile(r"(?<![\w-])(?:\+?\d{1,3}[- ])?(?:\(?\d{3}\)?[- ])?\d{3}-\d{4}(?![\w-])"),
        _telephone,
    ),
    (re.compile(r"(?<![\w./])(\d{1,2})/(\d{1,2})(?![\w/])"), _fraction),
    (
        re.compile(r"(?<![\w.\-])(\d+)\s?[-–]\s?(?=\d+(?![\w\-]))"),
        lambda found: f"{found[1]} to ",
    ),
    (re.compile(r"(?<![\w)])[-−](?=\d)"), lambda _: "minus "),
    (re.compile(r"#(?=\d)"), lambda _: "number "),
    (re.compile(r"[+&@%]"), lambda mark: f" {_SIGNS[mark[0]]} "),
)
_LAST_RULES: tuple[Rule, ...] = (
    (
        re.compile(r"(?<![A-Za-z\d])'?(\d+(?:,\d{3})*(?:\.\d+)*)(st|nd|rd|th|'?s)?(?![A-Za-z\d])"),
        _bare_number,
    ),
    (re.compile(r"\d+"), lambda found: f" {code(found[0])} "),
)


class WrittenForms:
    """The rules, with tables: ``titles`` and ``abbreviations`` (short → long), ``units`` and
    ``currency`` (short → one, many), ``symbols`` (mark → words), ``roman_ordinal`` and
    ``roman_cardinal`` (what stands before a Roman numeral).
    """

    def __init__(self, tables: Mapping[str, Any]) -> None:
        self._tables = tables
        self._rules = (
            *_PLAIN_RULES,
            *CALENDAR_RULES,
            *self._amounts(),
            *self._abbreviations(),
            *_NUMBER_RULES,
            (re.compile(r"(?<=[\d ])[=<>](?=[\d ])|~(?=\d)"), self._symbol),
            (re.compile(r"[=<>~/]"), lambda _: " "),
            (re.compile(_alternatives(tables["symbols"])), self._symbol),
            *_LAST_RULES,
        )

    def spoken(self, text: str) -> str:
        """The text in words."""
        for pattern, rule in self._rules:
            text = pattern.sub(rule, text)
        return _SPACE_BEFORE_MARK.sub(r"\1", _SPACES.sub(" ", text)).strip()

    def _amounts(self) -> list[Rule]:
        units = self._tables["units"]
        signs = "|".join(map(re.escape, self._tables["currency"]))
        amount = rf"({_NUMBER})(?:\s?({_MAGNITUDE}|[kKmM]\b|[bB]n?\b))?"
        return [
            (
                re.compile(rf"({signs})\s?{amount}"),
                lambda found: self._money(found[1], found[2], found[3]),
            ),
            (
                re.compile(rf"(?<![\w.]){amount}\s?([€£¥₹¢])"),
                lambda found: self._money(found[3], found[1], found[2]),
            ),
            (
                re.compile(rf"(?<![\w.])([-−]?{_NUMBER})\s?({_alternatives(units)})(?!\w)"),
                lambda found: f"{_signed(found[1])} {_counted(found[1], units[found[2]])}",
            ),
        ]

    def _abbreviations(self) -> list[Rule]:
        titles, short = self._tables["titles"], self._tables["abbreviations"]
        return [
            (
                re.compile(rf"\b({_alternatives(titles)})\.? (?=[A-Z])"),
                lambda found: f"{titles[found[1]]} ",
            ),
            (re.compile(r"\be\.g\.,?"), lambda _: "for example,"),
            (re.compile(r"\bi\.e\.,?"), lambda _: "that is,"),
            (re.compile(r"\b(No|Nos|no)\. ?(?=\d)"), lambda _: "number "),
            (
                re.compile(rf"(?<![\w.])({_alternatives(short)})(?!\w)"),
                lambda found: short[found[1]] + "." * (found.end() == len(found.string)),
            ),
            (
                re.compile(
                    rf"\b({_alternatives(self._tables['roman_cardinal'])}) ([IVXLC]+)\b(?![.'])"
                ),
                lambda found: f"{found[1]} {cardinal(_roman(found[2]))}",
            ),
            (
                re.compile(
                    rf"\b({_alternatives(self._tables['roman_ordinal'])}) ([IVX]+)\b(?![.'])"
                ),
                lambda found: f"{found[1]} the {ordinal(_roman(found[2]))}",
            ),
        ]

    def _symbol(self, mark: re.Match[str]) -> str:
        return f" {self._tables['symbols'][mark[0]]} "

    def _money(self, sign: str, amount: str, magnitude: str | None) -> str:
        one, many = self._tables["currency"][sign]
        if magnitude:
            return f"{number(amount)} {_SHORT_MAGNITUDE.get(magnitude.lower(), magnitude)} {many}"
        whole, _, part = amount.replace(",", "").partition(".")
        if len(part) != 2 or one not in _CENTS:
            return f"{number(amount)} {_counted(amount, (one, many))}"
        cents = f"{number(str(int(part)))} {_counted(str(int(part)), _CENTS[one])}"
        if not int(part):
            return f"{number(whole)} {_counted(whole, (one, many))}"
        return (
            f"{number(whole)} {_counted(whole, (one, many))} and {cents}" if int(whole) else cents
        )


def _alternatives(words: Mapping[str, Any] | list[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _signed(text: str) -> str:
    return f"minus {number(text[1:])}" if text[0] in "-−" else number(text)


def _counted(amount: str, words: tuple[str, str]) -> str:
    return words[0] if amount.lstrip("-−") == "1" else words[1]
