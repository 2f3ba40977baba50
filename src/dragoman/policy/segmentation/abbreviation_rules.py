"""The words around a full stop: whether it ends a sentence or belongs to the word before it.

Scope: pure functions over a buffer, each on a bounded stretch of it. No rule here names a word; the
words are in ``data``. None means that the text so far does not decide; the question is asked again
with more text. An answer does not depend on later text.
"""

from __future__ import annotations

import re
from enum import Enum

from dragoman.policy.segmentation.data import WORDS, marks, others
from dragoman.text import scripts

_NOT_BREAK = r"[^\S\n\u2028\u2029]"
_TOKEN = re.compile(r"\S{1,24}$")
_LEAD = "\"'“”‘’„‚«»‹›([{¿¡*_~#>-–—•（「『《"
_ROMAN = re.compile(r"[IVXLCDM]{2,}")
_DIGITS = re.compile(r"[0-9\u0660-\u0669\u06f0-\u06f9\u0966-\u096f]{1,4}")
_DAY_MONTH = re.compile(r"\d{1,2}\.\d{1,2}")
_LAST_PART = re.compile(r"[-'’‐/]")
_VOWEL = re.compile(r"[aeiouyàâäáãåæçèéêëíìîïóòôöõøœúùûüýÿıąęůаеёиоуыэюяіїєαεηιουωάέήίόύώ]", re.I)
_UNSTOPPED = re.compile(f"[{marks.UNSTOPPED}]")
_CASELESS = re.compile(f"[{marks.CASELESS_INITIAL}]")
_AHEAD = re.compile(
    _NOT_BREAK + "{1,8}[\"'“‘«„»*_\\[(「『¿¡]{0,3}" + r"([^\W_][\w'’]{0,23})?(.)?", re.DOTALL
)
_BEHIND_DASH = re.compile(_NOT_BREAK + "{0,8}[-–—―]{1,3}" + _NOT_BREAK + "{0,3}([^-–—―\\s])?")
_FIRST = re.compile(_NOT_BREAK + r"{1,8}([^\s])|" + _NOT_BREAK + r"{0,8}([\n\u2028\u2029])|.{9}")
_STOPS = re.compile(r"[.,;:!?…\n。！？”»」)]")
_ELISION = re.compile(r"[^\W_]{1,8}")
_REPORT_WITHIN = 60
_SHORT = 4
_LIST_MARKS = " \t\r\n\v\f\u00a0>*-+•#_(["


class WordKind(Enum):
    """What kind of word is in front of a full stop."""

    ORDINARY = "ordinary"
    NEVER = "never"
    NUMBER = "number"
    EITHER = "either"
    USUALLY = "usually"
    ORDINAL = "ordinal"
    SHORT = "short"
    CLIPPED = "clipped"
    INITIAL = "initial"


_KINDS: dict[str, WordKind] = {}
for _name in ("usually", "number", "either", "never"):
    _KINDS.update(dict.fromkeys(WORDS[_name], WordKind(_name)))
_UNIT = WORDS["unit"]
_ELIDED = WORDS["elided"]


def first_ahead(text: str, at: int, *, final: bool) -> str | None:
    """The first character behind white space at ``at``; "" if none is in sight."""
    found = _FIRST.match(text, at)
    if found is None:
        return "" if final else None
    return found[1] or found[2] or ""


def first_behind_dash(text: str, at: int, *, final: bool) -> str | None:
    """The first character behind white space and a dash at ``at``; "" if none is in sight."""
    found = _BEHIND_DASH.match(text, at)
    if found is None or found[1] is not None:
        return found[1] if found else ""
    return "" if final or found.end() < len(text) else None


def word_ahead(text: str, at: int, *, final: bool) -> tuple[str, str] | None:
    """The first word behind white space at ``at``, and the character that follows it."""
    found = _AHEAD.match(text, at)
    if found is None:
        return ("", "") if final or at + 9 < len(text) else None
    if found[2] is None and not final:
        return None
    return found[1] or "", found[2] or ""


def kind_before(text: str, start: int, line: int, at: int) -> WordKind:
    """The kind of word in front of the full stop at ``at``; ``start`` and ``line`` are where the
    segment and the line begin.
    """
    found = _TOKEN.search(text, max(start, at - 24), at)
    if found is None:
        return WordKind.ORDINARY
    token = found[0]
    where = found.start()
    bare = token.lstrip(_LEAD)
    if not bare or (len(token) == 24 and at - 24 > start and not text[at - 25].isspace()):
        return WordKind.ORDINARY
    if _UNSTOPPED.match(bare[-1]):
        return WordKind.NEVER
    if _is_list_mark(text, max(start, line), where, bare):
        return WordKind.NEVER
    if bare[-1].isdigit():
        return _number(bare)
    return _known(text, start, where, bare) or _unknown(bare)


def _is_list_mark(text: str, start: int, where: int, bare: str) -> bool:
    """Whether the word is the number or the letter that opens a list item."""
    if not (len(bare) <= 3 and bare.isdecimal()) and not (len(bare) == 1 and bare.isalpha()):
        return False
    if where - start > 40:
        return False
    before = text[start:where]
    if not before.strip(_LIST_MARKS):
        return not scripts.is_dense(bare)
    return bare == "1" and before.rstrip()[-1:] in {":", "："}


def _number(bare: str) -> WordKind:
    if _DIGITS.fullmatch(bare):
        return WordKind.ORDINAL
    return WordKind.SHORT if _DAY_MONTH.fullmatch(bare) else WordKind.ORDINARY


def _known(text: str, start: int, where: int, bare: str) -> WordKind | None:
    """The kind by the tables."""
    if "/" in bare[1:-1] or "@" in bare:
        return _KINDS.get(bare.lower(), WordKind.ORDINARY)
    previous = ""
    if len(bare) <= 6:
        before = _TOKEN.search(text[max(start, where - 24) : where].rstrip())
        previous = before[0].lstrip(_LEAD) if before else ""
        if previous.endswith(".") and len(previous) <= 6:
            spaced = _look_up(previous + bare)
            if spaced is not None:
                return spaced
        after_number = previous[-1:].isdigit() or _ROMAN.fullmatch(previous) is not None
        if after_number and bare in WORDS["year"]:
            return WordKind.EITHER
        if bare.lower() in _UNIT and after_number:
            return WordKind.USUALLY
        if len(bare) == 1 and bare.isupper() and previous[-1:].isdigit():
            return WordKind.USUALLY  # a unit: "5.5 C."
        if bare[0].isdigit() and bare.lstrip("0123456789.,").lower() in _UNIT:
            return WordKind.USUALLY
    return _look_up(bare)


def _look_up(word: str) -> WordKind | None:
    found = _KINDS.get(word)
    if found is not None or len(word) == 1:
        return found  # of single letters only the small ones are abbreviations
    found = _KINDS.get(word.lower())
    if found is None and word.isupper():
        found = _KINDS.get(word.capitalize())
    return found


def _unknown(bare: str) -> WordKind:
    """The kind by the shape, for a word that no table has."""
    if "." in bare:
        parts = [part.lstrip("-‐") for part in bare.split(".")]
        if all(len(part) == 1 for part in parts):
            return WordKind.EITHER
        return _look_up(parts[-1]) or WordKind.ORDINARY
    pieces = _LAST_PART.split(bare)
    last = pieces[-1]
    if len(pieces) > 1:
        if len(last) <= 2:
            return WordKind.SHORT if last.isupper() and "-" in bare else WordKind.ORDINARY
        return _look_up(last) or WordKind.ORDINARY
    if len(bare) == 1:
        return _single(bare)
    if len(bare) <= _SHORT and bare.isupper():
        return WordKind.CLIPPED
    if bare.endswith("str"):
        return WordKind.NUMBER
    if len(bare) > _SHORT or bare.lower() == bare.upper() or bare.lower() in WORDS["common"]:
        return WordKind.ORDINARY
    return WordKind.SHORT if _VOWEL.search(bare) or not bare.isalpha() else WordKind.CLIPPED


def _single(letter: str) -> WordKind:
    if _CASELESS.match(letter):
        return WordKind.NEVER
    if letter.isupper() or letter.islower():
        return WordKind.INITIAL
    return WordKind.ORDINARY


def ends_with(
    kind: WordKind, text: str, start: int, at: int, *, behind: int, final: bool
) -> bool | None:
    """Whether a full stop at ``at`` behind a word of ``kind`` ends a sentence; the white space
    begins at ``behind``.
    """
    if kind is WordKind.ORDINARY:
        return True
    if kind is WordKind.NEVER:
        return False
    first = first_ahead(text, behind, final=final)
    if first is None:
        return None
    if first in marks.DASHES and kind is WordKind.SHORT:
        return True
    if first.islower() or first in marks.CLAUSE or first in ")]}":
        return first == ""  # nothing in sight but white space
    if first.isdigit():
        return kind is WordKind.SHORT
    if kind is WordKind.SHORT or first == "\n" or scripts.is_dense(first) or first in "¿¡":
        return True
    if first == "(":
        return False
    ahead = word_ahead(text, behind, final=final)
    if ahead is None:
        return None
    if kind is WordKind.ORDINAL:
        return not _is_ordinal(text, start, at, ahead[0])
    return _ends_before(kind, *ahead)


def _ends_before(kind: WordKind, word: str, following: str) -> bool:
    """``ends_with``, given the next word, which does not begin in lower case."""
    if kind is WordKind.NUMBER:
        return _ROMAN.fullmatch(word) is None
    if kind is WordKind.CLIPPED:
        return not (following == "." and len(word) <= 2 and word.isupper())  # "EE. UU."
    if kind is WordKind.USUALLY:
        return word not in WORDS["days"]
    if not word:
        return kind is WordKind.EITHER  # a quotation, a dash, an emoji
    low = word.lower()
    if following == "." or (kind is WordKind.INITIAL and low in WORDS["particles"]):
        return False
    return low in WORDS["starters"] or low.split("'")[0].split("’")[0] in WORDS["starters"]


def _is_ordinal(text: str, start: int, at: int, word: str) -> bool:
    if word in WORDS["months"] and at - start >= 2 and not text[max(start, at - 3) : at].isdigit():
        return True
    if word in WORDS["after_ordinal"]:
        return True
    before = text[max(start, at - 28) : at].rstrip("0123456789").split()
    return bool(before) and before[-1].strip(_LEAD).lower() in WORDS["before_ordinal"]


def is_elision(text: str, at: int) -> bool:
    """Whether the apostrophe at ``at`` replaces letters and opens no quotation."""
    found = _ELISION.match(text, at + 1)
    return found is not None and (found[0].lower() in _ELIDED or found[0][0].isdigit())


def is_name(text: str, start: int, at: int) -> bool:
    """Whether the mark at ``at`` belongs to a name that is written with one."""
    found = _TOKEN.search(text, max(start, at - 24), at)
    return found is not None and found[0].lstrip(_LEAD) in WORDS["marked"]


def goes_on_after_quote(text: str, at: int, *, final: bool) -> bool | None:
    """Whether a sentence goes on behind a closing quote that ends in a sentence mark."""
    if at >= len(text):
        return False if final else None
    if not text[at].isspace():
        return _goes_on_densely(text, at, final=final)
    first = first_ahead(text, at, final=final)
    if not first:
        return None if first is None else False
    if first.islower() or first in marks.DASHES or first in marks.CLAUSE:
        return True
    if scripts.is_hangul(first):
        return _reported(text, at, others.KOREAN_SPEECH, final=final)
    if not first.isupper():
        return False
    ahead = word_ahead(text, at, final=final)
    if ahead is None:
        return None
    if ahead[0] != "I" and ahead[0].lower() in WORDS["starters"]:
        return False
    return _reported(text, at, None, final=final)


def _goes_on_densely(text: str, at: int, *, final: bool) -> bool | None:
    """``goes_on_after_quote`` for Chinese and Japanese, where no white space follows."""
    if text[at] in marks.CLAUSE_DENSE or text[at] in marks.CLAUSE:
        return True
    if not scripts.is_dense(text[at]):
        return False
    ahead = text[at : at + 5]
    if any(ahead.startswith(word) for word in others.JAPANESE_GOES_ON):
        if len(ahead) < 5 and not final and not _STOPS.search(ahead):
            return None
        return not any(ahead.startswith(word) for word in others.JAPANESE_STARTS)
    stop = _STOPS.search(ahead)
    near = ahead[: stop.start()] if stop else ahead
    if len(near) == len(ahead) < 5 and not final:
        return None
    return any(char in others.CHINESE_SPEECH for char in near[:4])


def _reported(text: str, at: int, stems: tuple[str, ...] | None, *, final: bool) -> bool | None:
    """Whether a verb of speech is among the second and third word (Korean: the first four)."""
    ahead = text[at : at + _REPORT_WITHIN]
    stop = _STOPS.search(ahead)
    is_whole = stop is not None or len(ahead) == _REPORT_WITHIN or final
    words = (ahead[: stop.start()] if stop else ahead).split()
    wanted = 3 if stems is None else 4
    if not is_whole and len(words) <= wanted:
        return None
    if stems is None:
        return any(word in WORDS["speech"] for word in words[1:wanted])
    return any(word.startswith(stem) for word in words[:wanted] for stem in stems)
