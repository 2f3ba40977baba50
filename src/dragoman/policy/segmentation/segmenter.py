"""Cuts a stream of text into sentences as it arrives, for ``server_commit``.

Scope: pure, and constant work per character, at any length and in pieces of any size. Nothing is
lost or changed: the segments, put together, are the text. Where they are cut does not depend on how
the text was split on its way.

How it works. A search goes from one *mark* to the next (full stops, quotes, brackets, line breaks;
clause marks while eager), so plain text costs only the search. At each mark there is one verdict
(``boundary_rules``): cut, go on, or wait for more text and decide then. Marks are taken in the
order of the text, every look-ahead is bounded, and a decision does not depend on later text.

* 。 and its like cut at once; ！？ when it is clear what belongs to them.
* . ! ? … cut at the white space behind them, unless the word in front prevents it
  (``abbreviation_rules``). So an emoji behind that space opens the next segment: it is not read
  aloud, and waiting for it would delay every sentence.
* Nothing is cut in a quotation, a bracket or inline code, below the length limit (``open_quotes``).
* A line break cuts, unless the next line goes on in lower case and this one is long or ends in a
  comma: then it is wrapped text. In fenced code only line breaks cut.
* Thai and Lao have no full stop: a space cuts when a phrase has become long.
* ``eager``: for the first segment a clause of some length is enough, behind , ; : or a dash.
* More than ``LONGEST`` characters (those of dense scripts count 2) are cut behind the last sentence
  mark, clause mark or space, else where they are, but not inside a character of several code
  points.

Text without any letter or digit is no segment of its own (unless it is too long); it opens the
next.
"""

from __future__ import annotations

import re

from dragoman.policy.segmentation.boundary_rules import (
    BRACKETS,
    BREAKS,
    CLAUSES,
    TERMINATORS,
    BoundaryRules,
)
from dragoman.policy.segmentation.data import marks
from dragoman.policy.segmentation.length_limits import SegmentLength
from dragoman.text.spoken import is_speakable

_SPEAKABLE = re.compile(r"[^\W_]")
_MARKS = "".join(sorted(TERMINATORS | BRACKETS)) + BREAKS + ";~" + marks.PAIRED


def _searcher(chars: str) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(chars)}]")


_PLAIN = _searcher(_MARKS)
_EAGER = _searcher(_MARKS + "".join(sorted(CLAUSES)))
_SPACED = _searcher(_MARKS + " ")
_EAGER_SPACED = _searcher(_MARKS + " " + "".join(sorted(CLAUSES)))
_LINES = _searcher(BREAKS)


class Segmenter:
    """One stream of text. ``eager``: the first segment, and the first after each ``flush``, may be
    an early clause.
    """

    def __init__(self, *, eager: bool = False) -> None:
        self._always_eager = eager
        self._text = ""  # not yet cut off; never much longer than LONGEST between two calls
        self._rules = BoundaryRules()
        self._restart()

    @property
    def has_begun(self) -> bool:
        """Whether the text not yet cut off has a letter or a digit."""
        return is_speakable(self._text)

    @property
    def pending(self) -> str:
        """The text not yet cut off."""
        return self._text

    def feed(self, text: str) -> list[str]:
        """The segments that ``text`` completes."""
        size = len(self._text)
        if self._at == size and size + len(text) < self._check and not self._marks.search(text):
            self._text += text  # the most common case: nothing to decide
            self._at += len(text)
            return []
        self._text += text
        return self._scan()

    def flush(self) -> list[str]:
        """No more text comes: the remaining text."""
        self._rules.final = True
        out = self._scan()
        if self._text:
            out.append(self._text)
        self._text = ""
        self._rules.final = False
        self._restart()
        return out

    def _restart(self) -> None:
        self._at = 0
        self._rules.restart()
        self._rules.eager = self._always_eager
        self._begin()

    def _begin(self) -> None:
        """Begin a segment at the start that the rules have."""
        start = self._rules.start
        self._length = SegmentLength(start, eager=self._rules.eager)
        self._check = self._length.next_at
        self._has_spaces = False
        self._searched = start  # up to here there is no letter or digit
        self._is_speakable = False
        self._choose()

    def _choose(self) -> None:
        """Choose the characters that are marks now."""
        if self._rules.fence:
            self._marks = _LINES
        elif self._has_spaces:
            self._marks = _EAGER_SPACED if self._rules.eager else _SPACED
        else:
            self._marks = _EAGER if self._rules.eager else _PLAIN

    def _scan(self) -> list[str]:
        """Go from mark to mark, and to the checkpoints of the length limit between them."""
        out: list[str] = []
        text, rules = self._text, self._rules
        while True:
            if self._at >= self._check:
                self._check_length(out)
                continue
            end = min(len(text), self._check)
            found = self._marks.search(text, self._at, end)
            if found is None:
                self._at = end
                if end == self._check:
                    continue
                break
            at = found.start()
            fence = rules.fence
            verdict = rules.verdict(text, at, text[at])
            if verdict is None:
                self._at = at
                break
            self._at = verdict[0]
            if verdict[1] and self._is_speakable_to(verdict[0]):
                self._cut(out, verdict[0])
            elif rules.fence is not fence:
                self._choose()
        self._drop_past()
        return out

    def _drop_past(self) -> None:
        """Drop the text of the segments that were cut off."""
        past = self._rules.start
        if past:
            self._text = self._text[past:]
            self._at -= past
            self._check -= past
            self._searched -= past
            self._length.shift(past)
            self._rules.shift(past)

    def _is_speakable_to(self, end: int) -> bool:
        if not self._is_speakable and self._searched < end:
            self._is_speakable = _SPEAKABLE.search(self._text, self._searched, end) is not None
            self._searched = end
        return self._is_speakable

    def _cut(self, out: list[str], at: int) -> None:
        out.append(self._text[self._rules.start : at])
        if not self._rules.fence:
            self._rules.eager = False
        self._rules.start = at
        self._rules.open_quotes.forget(at)
        self._begin()

    def _check_length(self, out: list[str]) -> None:
        """Check the length of the segment."""
        if self._length.weigh(self._text):
            self._cut(out, self._length.place(self._text, self._rules.open_quotes))
            return
        self._check = self._length.next_at
        if self._length.is_unstopped and not self._has_spaces:
            self._has_spaces = True
            self._choose()
