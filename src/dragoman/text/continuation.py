"""What a new translation of a sentence adds to the target text that is already committed: prefix
alignment.

Scope: committed text never changes. Where a new translation words the beginning differently, this
file decides from which of its words on it is new. Pure. A token is a word with its marks, or one
character of Chinese or Japanese; tokens are compared without case and marks. Korean has words: half
of one must not be committed. So has Thai, but nothing here can tell them apart, so the text
between two spaces is one token.

How it works. Usually the translation begins with what is committed, and the rest is new (engines
that force a prefix always do so). Otherwise the committed tokens are aligned with every beginning
of the translation, and the beginning with the fewest edits is taken as repeated. Behind it, tokens
are left out as long as they repeat committed ones that are not in that beginning: two phrases
changed places.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from dragoman.text import clause_data, scripts
from dragoman.text.similarity import edits, shared_length
from dragoman.text.spoken import is_speakable
from dragoman.text.words import fold

_ALONE = scripts.HAN + scripts.KANA
_TOKEN = re.compile(f"[{_ALONE}]|[^\\s{_ALONE}]+")
_DISTINCTIVE_LETTERS = 4
"""Shorter words are repeated in any sentence, so they do not show that a phrase moved."""


class Token:
    """One token and its place in its text."""

    __slots__ = ("begin", "end", "key", "text")

    def __init__(self, match: re.Match[str]) -> None:
        self.text = match.group()
        self.begin, self.end = match.span()
        self.key = fold(self.text)


def tokens(text: str) -> list[Token]:
    """The tokens of a text. A mark alone belongs to no token."""
    found = [Token(match) for match in _TOKEN.finditer(text)]
    return [token for token in found if is_speakable(token.text)] or found


def keys(text: str) -> list[str]:
    """The tokens of a text as they are compared."""
    return [token.key for token in tokens(text)]


def continuation(translation: str, committed: str, upto: int | None = None) -> str:
    """What ``translation`` adds to the target text ``committed`` of the same sentence.

    The answer brings its own leading space, and begins with a mark alone where ``committed`` lacked
    only that. ``upto`` limits it to the first so many tokens of the translation (and then a mark
    comes only together with the word behind it).
    """
    new, old = tokens(translation), tokens(committed)
    count = len(new) if upto is None else min(upto, len(new))
    if not old:
        return translation[: _end(translation, new, count)].strip() if count else ""
    position = repeated_count([token.key for token in new], [token.key for token in old])
    if position >= count:
        late = upto is None and 0 < position <= len(new)
        return _late_mark(translation, new, position, committed, old) if late else ""
    end = _end(translation, new, count)
    if position == len(old) and _begins_whole(translation, new[position - 1], committed):
        return translation[len(committed) : end].rstrip()
    mark = _late_mark(translation, new, position, committed, old) if position else ""
    begin = new[position].begin
    gap = translation[new[position - 1].end : begin] if position else ""
    spaced = not scripts.is_ideographic(new[0].text)
    if position:
        spaced = any(char.isspace() for char in gap)
    lead = "".join(char for char in gap if unicodedata.category(char) in ("Ps", "Pi"))
    return mark + (" " if spaced else "") + lead + translation[begin:end].strip()


def repeated_count(new: Sequence[str], old: Sequence[str]) -> int:
    """How many of the new tokens repeat the committed ones (compared by their keys)."""
    if list(new[: len(old)]) == list(old):
        return len(old)
    start = shared_length(new, old)
    position = start + _aligned(new[start:], old[start:])
    missing = Counter(old)
    missing.subtract(new[:position])
    while position < len(new) and _is_distinctive(new[position]) and missing[new[position]] > 0:
        missing[new[position]] -= 1
        position += 1
    return position


def without_false_stop(translation: str, source: str) -> str:
    """The translation of an unfinished sentence without the full stop that some engines close
    everything with.
    """
    ours = source.rstrip(clause_data.CLOSERS + " ")
    text = translation.rstrip()
    if ours.endswith(clause_data.FULL_STOPS) or not text.endswith((".", "。")):
        return translation
    last = text.rsplit(None, 1)[-1]
    if "." in last[:-1]:  # an ellipsis, or an abbreviation such as EE.UU.
        return translation
    return text[:-1]


def _begins_whole(text: str, last: Token, committed: str) -> bool:
    """Whether ``text`` goes on where ``committed`` ends, not inside its word ``last``."""
    if not text.startswith(committed):
        return False
    return last.end <= len(committed) or unicodedata.category(text[len(committed)])[0] not in "LMN"


def _aligned(new: Sequence[str], old: Sequence[str]) -> int:
    """The length of that beginning of ``new`` which is the fewest edits away from ``old``. Of
    several: one that ends in the same token, then the one nearest in length.
    """
    costs = [edits(new[:at], old) for at in range(len(new) + 1)]
    least = min(costs)
    best = [at for at, cost in enumerate(costs) if cost == least]
    ending = [at for at in best if at and old and new[at - 1] == old[-1]]
    return min(ending or best, key=lambda at: (abs(at - len(old)), -at))


def _is_distinctive(key: str) -> bool:
    return len(key) >= _DISTINCTIVE_LETTERS


def _end(text: str, found: Sequence[Token], count: int) -> int:
    """Where the text of the first ``count`` tokens ends, with the marks right behind it."""
    if count >= len(found):
        return len(text)
    end = found[count - 1].end
    while end < found[count].begin and not text[end].isspace():
        end += 1
    return end


def _late_mark(
    text: str, new: Sequence[Token], position: int, committed: str, old: Sequence[Token]
) -> str:
    """The punctuation that the last committed token gained."""
    now = text[new[position - 1].begin : _end(text, new, position)].strip()
    before = committed[old[-1].begin :].strip()
    if not now.startswith(before) or fold(now) != fold(before):
        return ""
    gained = now[len(before) :]
    return "" if is_speakable(gained) else gained
