"""Cuts a stream of text into sentences as it arrives, for ``server_commit``.

Law of this file: pure, and constant work per character, at any length and in pieces of any size.
Nothing is lost or changed: the segments, put together, are the text; and where they are cut does
not depend on how the text was split on its way.

How. A search runs from one *mark* to the next (full stops, quotes, brackets, line breaks; clause
marks while eager), so that plain text costs nothing but the search. At each mark there is one
verdict (``sentences_judge``): cut, go on, or wait for more text, and then it is asked again. Marks
are taken in the order of the text, every look ahead is bounded, and whatever was decided holds
whatever follows.

* 。 and its like cut at once; ！？ when it is clear what belongs to them.
* . ! ? … cut at the white space behind them, unless the word in front says otherwise
  (``sentences_words``); an emoji behind that space thus opens the next segment, for it is not read
  and waiting for it would hold up every sentence.
* Nothing is cut in a quotation, a bracket or inline code, short of the cap (``sentences_nest``).
* A line break cuts, unless the next line goes on in lower case and this one is long or ends in a
  comma: text that somebody wrapped. In fenced code only line breaks cut.
* Thai and Lao have no full stop: a space cuts when a phrase has become long.
* ``eager``: a clause of some length is enough, behind , ; : or a dash, for the first segment.
* More than ``LONGEST`` characters (those of dense scripts count 2) are cut behind the last
  sentence mark, clause mark or space, else where they stand, but not inside a character that
  consists of several.

Text without any letter or digit is no segment of its own (unless overlong); it opens the next.
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
        self._judge = BoundaryRules()
        self._restart()

    @property
    def has_begun(self) -> bool:
        """Whether the text not yet cut off has a letter or a digit."""
        return _SPEAKABLE.search(self._text) is not None

    @property
    def pending(self) -> str:
        """The text not yet cut off."""
        return self._text

    def be_eager(self) -> None:
        """The next segment may be an early clause."""
        self._judge.eager = True
        self._begin()

    def feed(self, text: str) -> list[str]:
        """The segments that ``text`` completes."""
        size = len(self._text)
        if self._at == size and size + len(text) < self._check and not self._marks.search(text):
            self._text += text  # nothing to decide: the most common case by far
            self._at += len(text)
            return []
        self._text += text
        return self._scan()

    def flush(self) -> list[str]:
        """No more text comes: what is left, as it is."""
        self._judge.final = True
        out = self._scan()
        if self._text:
            out.append(self._text)
        self._text = ""
        self._judge.final = False
        self._restart()
        return out

    def _restart(self) -> None:
        self._at = 0
        self._judge.restart()
        self._judge.eager = self._always_eager
        self._begin()

    def _begin(self) -> None:
        """A segment begins where the judge says so."""
        start = self._judge.start
        self._cap = SegmentLength(start, eager=self._judge.eager)
        self._check = self._cap.next_at
        self._has_spaces = False
        self._dull = start  # up to here there is nothing to say
        self._is_said = False
        self._choose()

    def _choose(self) -> None:
        """Which characters are marks now."""
        if self._judge.fence:
            self._marks = _LINES
        elif self._has_spaces:
            self._marks = _EAGER_SPACED if self._judge.eager else _SPACED
        else:
            self._marks = _EAGER if self._judge.eager else _PLAIN

    def _scan(self) -> list[str]:
        """From mark to mark; the checkpoints of the cap stand between them."""
        out: list[str] = []
        text, judge = self._text, self._judge
        while True:
            if self._at >= self._check:
                self._weigh(out)
                continue
            end = min(len(text), self._check)
            found = self._marks.search(text, self._at, end)
            if found is None:
                self._at = end
                if end == self._check:
                    continue
                break
            at = found.start()
            fence = judge.fence
            verdict = judge.verdict(text, at, text[at])
            if verdict is None:
                self._at = at
                break
            self._at = verdict[0]
            if verdict[1] and self._is_speakable_to(verdict[0]):
                self._cut(out, verdict[0])
            elif judge.fence is not fence:
                self._choose()
        self._drop_past()
        return out

    def _drop_past(self) -> None:
        """Forget the text of the segments that were cut off."""
        past = self._judge.start
        if past:
            self._text = self._text[past:]
            self._at -= past
            self._check -= past
            self._dull -= past
            self._cap.shift(past)
            self._judge.shift(past)

    def _is_speakable_to(self, end: int) -> bool:
        if not self._is_said and self._dull < end:
            self._is_said = _SPEAKABLE.search(self._text, self._dull, end) is not None
            self._dull = end
        return self._is_said

    def _cut(self, out: list[str], at: int) -> None:
        out.append(self._text[self._judge.start : at])
        if not self._judge.fence:
            self._judge.eager = False
        self._judge.start = at
        self._judge.nest.forget(at)
        self._begin()

    def _weigh(self, out: list[str]) -> None:
        """The checkpoint of the cap."""
        if self._cap.weigh(self._text):
            self._cut(out, self._cap.place(self._text, self._judge.nest))
            return
        self._check = self._cap.next_at
        if self._cap.is_unstopped and not self._has_spaces:
            self._has_spaces = True
            self._choose()
