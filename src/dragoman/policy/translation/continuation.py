"""What a new translation of a sentence adds to the target text that is already committed.

Law of this file: committed text never changes, so where a new translation words the beginning
differently, somebody has to decide from which of its words on it is *news*. That is decided here
and nowhere else. Pure. A token is a word with its marks, or one character of Chinese or Japanese;
tokens are compared without case and marks. Korean has words: half of one must not be committed.
So has Thai, and as nothing here can tell them apart, what stands between two spaces is one token.

How it works. Usually the translation begins with what is committed, and the rest is new (engines
that force a prefix always do). Otherwise the committed tokens are aligned with every beginning of
the translation; the one with the fewest edits is what was said already. What then follows is
left out as long as it repeats words that were committed but not found in that beginning, as
happens when two phrases changed places.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from dragoman.text import clause_data, scripts
from dragoman.text.words import fold

_ALONE = scripts.HAN + scripts.KANA
_TOKEN = re.compile(f"[{_ALONE}]|[^\\s{_ALONE}]+")
_TELLING_LETTERS = 4
"""Shorter words come again in any sentence; a repeated one proves nothing."""


class Token:
    """One token and where it stands in its text."""

    __slots__ = ("begin", "end", "key", "text")

    def __init__(self, match: re.Match[str]) -> None:
        self.text = match.group()
        self.begin, self.end = match.span()
        self.key = fold(self.text)


def tokens(text: str) -> list[Token]:
    """The tokens of a text. A mark that stands alone belongs to no token."""
    found = [Token(match) for match in _TOKEN.finditer(text)]
    return [token for token in found if any(char.isalnum() for char in token.text)] or found


def shared(left: Sequence[Token], right: Sequence[Token]) -> int:
    """How many tokens two texts share at their beginnings."""
    count = 0
    while count < min(len(left), len(right)) and left[count].key == right[count].key:
        count += 1
    return count


def continuation(translation: str, done: str, upto: int | None = None) -> str:
    """What ``translation`` adds to the target text ``done`` of the same sentence.

    The answer brings its own leading space, and begins with a mark alone where ``done`` lacked
    only that. ``upto`` limits it to the first so many tokens of the translation (and then a mark
    comes only together with the word behind it).
    """
    new, said = tokens(translation), tokens(done)
    count = len(new) if upto is None else min(upto, len(new))
    if not said:
        return translation[: _end(translation, new, count)].strip() if count else ""
    position = seam([token.key for token in new], [token.key for token in said])
    if position >= count:
        late = upto is None and 0 < position <= len(new)
        return _late_mark(translation, new, position, done, said) if late else ""
    end = _end(translation, new, count)
    if position == len(said) and _begins_whole(translation, new[position - 1], done):
        return translation[len(done) : end].rstrip()
    mark = _late_mark(translation, new, position, done, said) if position else ""
    begin = new[position].begin
    gap = translation[new[position - 1].end : begin] if position else ""
    spaced = not scripts.is_ideographic(new[0].text)
    if position:
        spaced = any(char.isspace() for char in gap)
    lead = "".join(char for char in gap if unicodedata.category(char) in ("Ps", "Pi"))
    return mark + (" " if spaced else "") + lead + translation[begin:end].strip()


def seam(new: Sequence[str], said: Sequence[str]) -> int:
    """How many of the new tokens say what is said already (keys, see ``tokens``)."""
    if list(new[: len(said)]) == list(said):
        return len(said)
    start = 0
    while start < min(len(new), len(said)) and new[start] == said[start]:
        start += 1
    position = start + _aligned(new[start:], said[start:])
    missing = Counter(said)
    missing.subtract(new[:position])
    while position < len(new) and _is_telling(new[position]) and missing[new[position]] > 0:
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


def _begins_whole(text: str, last: Token, done: str) -> bool:
    """Whether ``text`` goes on where ``done`` ends, and that is not inside its word ``last``."""
    if not text.startswith(done):
        return False
    return last.end <= len(done) or unicodedata.category(text[len(done)])[0] not in "LMN"


def _aligned(new: Sequence[str], said: Sequence[str]) -> int:
    """The length of that beginning of ``new`` which is the least edits away from ``said``."""
    row = list(range(len(new) + 1))
    for count, token in enumerate(said, 1):
        before, row = row, [count]
        for at, other in enumerate(new):
            row.append(min(before[at] + (token != other), before[at + 1] + 1, row[at] + 1))
    least = min(row)
    best = [at for at, edits in enumerate(row) if edits == least]
    ending = [at for at in best if at and said and new[at - 1] == said[-1]]
    return min(ending or best, key=lambda at: (abs(at - len(said)), -at))


def _is_telling(key: str) -> bool:
    return len(key) >= _TELLING_LETTERS


def _end(text: str, found: Sequence[Token], count: int) -> int:
    """Where the text of the first ``count`` tokens ends, with the marks right behind it."""
    if count >= len(found):
        return len(text)
    end = found[count - 1].end
    while end < found[count].begin and not text[end].isspace():
        end += 1
    return end


def _late_mark(
    text: str, new: Sequence[Token], position: int, done: str, said: Sequence[Token]
) -> str:
    """The punctuation that the last committed token gained."""
    now = text[new[position - 1].begin : _end(text, new, position)].strip()
    before = done[said[-1].begin :].strip()
    if not now.startswith(before) or fold(now) != fold(before):
        return ""
    gained = now[len(before) :]
    return "" if any(char.isalnum() for char in gained) else gained
