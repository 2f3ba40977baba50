"""Words as texts are compared by them, and where a sentence ends.

Scope: questions about one word or one text, answered the same way everywhere. Language data is in
``text.clause_data``. ``policy.segmentation`` cuts text that is still being written and knows far
more about abbreviations; this file is for words that a recogniser or translator wrote.
"""

from __future__ import annotations

import functools
import re
import unicodedata

from dragoman.text import clause_data

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def without_controls(text: str) -> str:
    """The text with a space for control characters: terminals obey them, models misread them."""
    return _CONTROLS.sub(" ", text)


@functools.lru_cache(maxsize=1024)
def fold(text: str) -> str:
    """The word for comparing: case folded, without marks and symbols. Text that has nothing else
    keeps them, so the result of a word is never empty.

    Cached: every hypothesis brings the same words again. A speaker's words of minutes are enough;
    a larger cache is seldom hit and grows for a quarter of an hour.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if unicodedata.category(c)[0] not in "PSZ") or folded


def bare(text: str) -> str:
    """The word without the punctuation behind it; a word of nothing else stays as it is."""
    end = len(text)
    while end and unicodedata.category(text[end - 1])[0] == "P":
        end -= 1
    return text[:end] or text


def ends_with_mark(text: str, marks: tuple[str, ...], language: str | None) -> bool:
    """Whether the text ends with one of these marks, quotes and brackets behind it aside. The full
    stop of an abbreviation of the language is no mark.
    """
    end = text.rstrip().rstrip(clause_data.CLOSERS)
    if not end.endswith(marks):
        return False
    return not end.endswith(".") or fold(end.split()[-1]) not in clause_data.abbreviations(language)


def ends_sentence(text: str, language: str | None, following: str = "") -> bool:
    """Whether a sentence ends with this word or text. ``following`` is the next word, if known:
    a full stop before a small letter ends none.
    """
    if not ends_with_mark(text, clause_data.FULL_STOPS, language):
        return False
    is_full_stop = text.rstrip().rstrip(clause_data.CLOSERS).endswith(".")
    return not (is_full_stop and following[:1].islower())
