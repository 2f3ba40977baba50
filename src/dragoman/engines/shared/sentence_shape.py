"""A translation in the shape of its source: its full stop and its first letter.

Scope: pure functions for translators that get the beginning of a sentence and must not complete it.
"""

from __future__ import annotations

import re

SENTENCE_ENDS = (".", "!", "?", "…", ".”", '."', ".)", "?”", '?"', "!”", '!"')
_LETTER = re.compile(r"[^\W\d_]")


def same_stop(source: str, text: str) -> str:
    """The text with a full stop at the end only if the source has one."""
    if source.endswith(".") and not text.endswith(SENTENCE_ENDS):
        text += "."
    if not source.endswith(SENTENCE_ENDS):
        text = text.rstrip(".")
    return text


def same_case(source: str, text: str) -> str:
    """The text with its first letter in the case of the source's; ``EE.UU.`` stays as it is."""
    first, ours = _LETTER.search(source), _LETTER.search(text)
    if first is None or ours is None:
        return text
    at, after = ours.start(), text[ours.end() : ours.end() + 1]
    if first.group().isupper():
        return text[:at] + text[at].upper() + text[at + 1 :]
    if after.islower() or after in {"", " "}:
        return text[:at] + text[at].lower() + text[at + 1 :]
    return text
