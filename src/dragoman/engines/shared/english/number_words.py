"""English words for numbers, as Americans say them: cardinals, ordinals, years, decimals.

Scope: pure functions on integers and on strings of digits. What is longer than ``_LONGEST`` digits
is an identifier and no quantity: it is read digit by digit.
"""

from __future__ import annotations

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_ONES = _SMALL.split()
_TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES = ("", " thousand", " million", " billion", " trillion")
_LONGEST = 3 * len(_SCALES)
_IRREGULAR = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


def digits(text: str) -> str:
    """Every digit by its name; in groups of three, as telephone numbers are read, and larger ones
    where nobody would listen.
    """
    names = [_ONES[int(digit)] for digit in text]
    group = 3 if 4 < len(names) <= 20 else 10
    return ", ".join(" ".join(names[at : at + group]) for at in range(0, len(names), group))


def cardinal(text: str) -> str:
    """``"1250"`` → ``"one thousand two hundred fifty"``; digits one by one with a zero in front."""
    if len(text) > _LONGEST or (len(text) > 1 and text[0] == "0"):
        return digits(text)
    if not (number := int(text)):
        return _ONES[0]
    groups = []
    for scale in _SCALES:
        number, group = divmod(number, 1000)
        if group:
            groups.append(_below_1000(group) + scale)
    return " ".join(reversed(groups))


def ordinal(text: str) -> str:
    """``"23"`` → ``"twenty third"``."""
    head, space, last = cardinal(text).rpartition(" ")
    usual = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return f"{head}{space}{_IRREGULAR.get(last, usual)}"


def year(text: str) -> str:
    """``"1905"`` → ``"nineteen oh five"``; four digits."""
    century, rest = text[:2], text[2:]
    if century[1] == "0" and rest[0] == "0":
        return cardinal(text)
    if rest == "00":
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest[0] == '0' else ''}{cardinal(str(int(rest)))}"


def code(text: str) -> str:
    """Digits behind letters, as in a flight number: in pairs when there are four."""
    if len(text) == 4 and text[0] != "0" and text[2] != "0":
        return f"{cardinal(text[:2])} {cardinal(text[2:])}"
    return cardinal(text) if len(text) < 3 else digits(text)


def decimal(whole: str, fraction: str) -> str:
    """``"3", "14"`` → ``"three point one four"``."""
    return f"{cardinal(whole or '0')} point {digits(fraction)}"


def plural(words: str) -> str:
    """``"twenty"`` → ``"twenties"``, ``"hundred"`` → ``"hundreds"``."""
    if words.endswith("y"):
        return f"{words[:-1]}ies"
    return f"{words}es" if words.endswith("x") else f"{words}s"


def _below_1000(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    words = [f"{_ONES[hundreds]} hundred"] if hundreds else []
    if rest >= 20:
        tens, ones = divmod(rest, 10)
        words.append(_TENS[tens] + (f" {_ONES[ones]}" if ones else ""))
    elif rest:
        words.append(_ONES[rest])
    return " ".join(words)
