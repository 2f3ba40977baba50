"""Cuts a stream of text into sentences as it arrives, for ``server_commit``.

Law of this file: pure, and constant work per character, at any length and in pieces of any size.
Nothing is lost or changed: the segments, put together, are the text; and where they are cut does
not depend on how the text was split on its way.

How. A search runs from one *mark* to the next (full stops, quotes, brackets, line breaks; clause
marks while eager), so that plain text costs nothing but the search. At each mark there is one
decision: cut, go on, or wait for more text, and then it is asked again. Marks are taken in the
order of the text, every look ahead is bounded, and whatever was decided holds whatever follows.

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

from dragoman.policy import sentences_caps as caps
from dragoman.policy import sentences_words as words
from dragoman.policy.sentence_data import marks
from dragoman.policy.sentences_caps import LONGEST
from dragoman.policy.sentences_nest import Nest

__all__ = ["LONGEST", "Segmenter", "is_speakable"]

_SPEAKABLE = re.compile(r"[^\W_]")  # what ``str.isalnum`` says, at a hundredth of the time
_BREAKS = "\n\u2028\u2029"
_TERMINATORS = frozenset(marks.STRONG | marks.WEAK)
_BRACKETS = frozenset("".join(marks.PAIRS)) | marks.CLOSERS | frozenset(marks.REVERSED)
_MARKS = "".join(sorted(_TERMINATORS | _BRACKETS)) + _BREAKS + ";~" + marks.PAIRED
_CLAUSES = marks.CLAUSE | marks.CLAUSE_DENSE


def _searcher(chars: str) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(chars)}]")


_PLAIN = _searcher(_MARKS)
_EAGER = _searcher(_MARKS + "".join(sorted(_CLAUSES)))
_SPACED = _searcher(_MARKS + " ")
_EAGER_SPACED = _searcher(_MARKS + " " + "".join(sorted(_CLAUSES)))
_LINES = _searcher(_BREAKS)
_RUN = re.compile(f"[{re.escape(''.join(sorted(_TERMINATORS)))}]{{1,40}}")
_ATTACHED = re.compile(f"[{marks.EMOJI}{marks.EXTENDS}¹²³⁴-⁹⁰]")
_FOOTNOTE = re.compile(r"\[\^?\d{0,3}\]?")
_DENSE = re.compile(f"[{marks.DENSE}]")
_ASKING = re.compile(f"[{marks.SEMICOLON_ASKS}]")
_FENCE = re.compile(r"`{3,16}|~{3,16}")
_INDENT = " \t>-*+0123456789."
_CLOSERS_AT_MOST = 12
_WRAPPED_FROM = 30
_ADDRESS = re.compile(r"(?:://|www\.|@)\S{0,60}$")

Verdict = tuple[int, bool]
"""Where to go on, and whether to cut there. None in its place: wait for more text."""


def is_speakable(text: str) -> bool:
    """Whether there is anything to say: a letter or a digit."""
    return _SPEAKABLE.search(text) is not None


class Segmenter:
    """One stream of text. ``eager``: the first segment, and the first after each ``flush``, may be
    an early clause.
    """

    def __init__(self, *, eager: bool = False) -> None:
        self._always_eager = self._eager = eager
        self._text = ""  # not yet cut off; never much longer than LONGEST between two calls
        self._final = False
        self._nest = Nest()
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
        self._eager = True
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
        self._final = True
        out = self._scan()
        if self._text:
            out.append(self._text)
        self._text = ""
        self._final = False
        self._eager = self._always_eager
        self._restart()
        return out

    # ------------------------------------------------------------ going through the text
    def _restart(self) -> None:
        self._start = self._at = self._line = 0
        self._fence = ""
        self._nest.clear()
        self._begin()

    def _begin(self) -> None:
        """A segment begins at ``_start``."""
        self._cap = caps.Cap(self._start, eager=self._eager)
        self._check = self._cap.next_at
        self._has_spaces = False
        self._dull = self._start  # up to here there is nothing to say
        self._is_said = False
        self._choose()

    def _choose(self) -> None:
        if self._fence:
            self._marks = _LINES
        elif self._has_spaces:
            self._marks = _EAGER_SPACED if self._eager else _SPACED
        else:
            self._marks = _EAGER if self._eager else _PLAIN

    def _scan(self) -> list[str]:
        out: list[str] = []
        text = self._text
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
            verdict = self._judge(text, at, text[at])
            if verdict is None:
                self._at = at
                break
            self._at = verdict[0]
            if verdict[1] and self._is_speakable_to(verdict[0]):
                self._cut(out, verdict[0])
        self._drop_past()
        return out

    def _drop_past(self) -> None:
        past = self._start
        if past:
            self._text = self._text[past:]
            self._start = 0
            self._at -= past
            self._check -= past
            self._dull -= past
            self._line -= past
            self._cap.shift(past)
            self._nest.shift(past)

    def _is_speakable_to(self, end: int) -> bool:
        if not self._is_said and self._dull < end:
            self._is_said = _SPEAKABLE.search(self._text, self._dull, end) is not None
            self._dull = end
        return self._is_said

    def _cut(self, out: list[str], at: int) -> None:
        out.append(self._text[self._start : at])
        if not self._fence:
            self._eager = False
        self._start = at
        self._begin()

    def _weigh(self, out: list[str]) -> None:
        """The checkpoint of the cap."""
        if self._cap.weigh(self._text):
            at = self._cap.place(self._text, self._nest)
            self._cut(out, at)
            return
        self._check = self._cap.next_at
        if self._cap.is_unstopped and not self._has_spaces:
            self._has_spaces = True
            self._choose()

    # ------------------------------------------------------------ one mark
    def _judge(self, text: str, at: int, char: str) -> Verdict | None:
        if char in _TERMINATORS:
            return self._terminator(text, at, char)
        if char in _BREAKS:
            return self._line_break(text, at)
        if char in "'’":
            return self._apostrophe(text, at, char)
        if char in "`~":
            return self._tick(text, at, char)
        if char == " ":
            return self._space(text, at)
        if char in _BRACKETS:
            return self._bracket(text, at, char)
        if char == marks.PAIRED:
            return self._pair(text, at)
        if char == ";" and at > self._start and _ASKING.match(text[at - 1]):
            return self._terminator(text, at, char)
        return self._clause(text, at, char) if self._eager else (at + 1, False)

    def _terminator(self, text: str, at: int, char: str) -> Verdict | None:
        if char in marks.AT_ONCE and not self._nest:
            return at + 1, True
        run = _RUN.match(text, at)
        stop = run.end() if run else at + 1
        behind, depth = self._closing(text, stop)
        if behind >= len(text) and not self._final:
            return None
        if text.startswith("[", behind):
            note = _FOOTNOTE.match(text, behind)
            if note and note.end() == len(text) and not self._final and note[0][-1] != "]":
                return None
            if note and note[0][-1] == "]" and len(note[0]) > 2:
                behind = note.end()
                if behind >= len(text) and not self._final:
                    return None
        if self._nest.holds(text, at, depth):
            self._nest.close_to(depth)
            return behind, False
        if behind >= len(text):
            self._nest.close_to(depth)
            return behind, False
        ends = self._ends(text, at, stop, behind)
        if ends is None:
            return None
        self._nest.close_to(depth)
        return behind, ends

    def _closing(self, text: str, at: int) -> tuple[int, int]:
        """Behind the closers, emphasis marks and emoji at ``at``; and the depth left then."""
        depth = self._nest.depth
        for index in range(at, min(len(text), at + _CLOSERS_AT_MOST)):
            char = text[index]
            if char in marks.CLOSERS or char in marks.PAIRS:
                level = self._nest.level(char, depth)
                if level >= 0:
                    depth = level
                elif char in marks.PAIRS or char in marks.STRAIGHT or char in "«‹":
                    return index, depth
            elif char in " \u00a0\u202f":
                if not depth or self._nest.level("»", depth) < 0:
                    return index, depth
                if index + 1 < len(text) and text[index + 1] != "»":
                    return index, depth
            elif char not in marks.EMPHASIS and not _ATTACHED.match(char):
                return index, depth
        return min(len(text), at + _CLOSERS_AT_MOST), depth

    def _ends(self, text: str, at: int, stop: int, behind: int) -> bool | None:
        """Whether the marks from ``at`` to ``stop`` end a sentence. ``behind`` the closers that
        follow them there is more text.
        """
        following = text[behind]
        closers = text[stop:behind]
        is_quoted = any(char in marks.QUOTES for char in closers)
        if following in _BREAKS:
            return False  # the line break will say
        if not following.isspace():
            return self._ends_densely(text, at, stop, behind, is_quoted=is_quoted)
        run = text[at:stop]
        if is_quoted or closers.strip("*_~`"):
            return self._ends_behind_closers(text, behind)
        if run[-1] not in "!?！？؟⁉⁈‼⁇" and (len(run) > 1 or run in marks.ELLIPSES):
            first = words.first_ahead(text, behind, final=self._final)
            return None if first is None else not (first.islower() or first in _CLAUSES)
        if run != ".":
            return self._ends_by_mark(text, at, behind)
        kind = words.kind_before(text, self._start, self._line, at)
        return words.ends_with(kind, text, self._start, at, behind=behind, final=self._final)

    def _ends_by_mark(self, text: str, at: int, behind: int) -> bool | None:
        """! and ? end a sentence, but in names and in front of "— she said"."""
        opening = text[self._start : self._start + 4].lstrip()[:1]
        if opening not in marks.DASHES and not words.is_name(text, self._start, at):
            return True
        first = words.first_ahead(text, behind, final=self._final)
        if first is None:
            return None
        return not first.islower() and first not in marks.DASHES if first else True

    def _ends_behind_closers(self, text: str, behind: int) -> bool | None:
        goes_on = words.goes_on_after_quote(text, behind, final=self._final)
        return None if goes_on is None else not goes_on

    def _ends_densely(
        self, text: str, at: int, stop: int, behind: int, *, is_quoted: bool
    ) -> bool | None:
        """The same with no white space behind the marks."""
        following = text[behind]
        last = text[stop - 1]
        if following in _TERMINATORS or following in _CLAUSES:
            return False
        if last in marks.STRONG:
            if marks.FOLLOWED.get(last) == following:
                return False
            return self._ends_behind_closers(text, behind) if is_quoted else True
        if not _DENSE.match(following) and following not in marks.DENSE_OPENERS:
            return False
        if any(mark in text[at:stop] for mark in marks.ELLIPSES):
            return False
        before = text[at - 1] if at > self._start else ""
        if last == "." and not is_quoted and not _DENSE.match(before or "."):
            return False
        if _ADDRESS.search(text, max(self._start, at - 60), at) and (
            last == "." or before.isascii()
        ):
            return False
        return self._ends_behind_closers(text, behind) if is_quoted else True

    def _line_break(self, text: str, at: int) -> Verdict | None:
        line = max(self._line, self._start)
        if self._fence:
            self._close_fence(text, line, at)
        elif not self._is_speakable_to(at):
            pass
        else:
            goes_on = self._is_wrapped(text, line, at)
            if goes_on is None:
                return None
            if goes_on:
                self._line = at + 1
                return at + 1, False
        self._line = at + 1
        self._nest.clear()
        return at + 1, True

    def _is_wrapped(self, text: str, line: int, at: int) -> bool | None:
        """Whether the sentence goes on behind the line break at ``at``."""
        last = text[max(line, at - 3) : at].rstrip()[-1:]
        if last not in _CLAUSES and (at - line < _WRAPPED_FROM or last in _TERMINATORS):
            return False
        if last in {":", "："} or text[line : line + 4].lstrip()[:1] in {"#", "|"}:
            return False
        for index in range(at + 1, at + 8):
            if index >= len(text):
                return False if self._final else None
            if text[index] not in " \t":
                return text[index].islower()
        return False

    def _close_fence(self, text: str, line: int, at: int) -> None:
        if text[line : min(at, line + 40)].strip() == self._fence and at - line < 40:
            self._fence = ""
            self._choose()

    def _tick(self, text: str, at: int, char: str) -> Verdict | None:
        """Code: a fence at the beginning of a line, else a span."""
        stop = at
        while stop < len(text) and stop - at < 16 and text[stop] == char:
            stop += 1
        if stop == len(text) and stop - at < 16 and not self._final:
            return None
        line = max(self._line, self._start)
        is_first = line == self._line and at - line < 8 and not text[line:at].strip(_INDENT)
        if stop - at >= 3 and is_first:
            self._fence = text[at:stop]
            self._nest.clear()
            self._choose()
        elif char == "`":
            self._nest.take(char, "", at)
        return stop, False

    def _apostrophe(self, text: str, at: int, char: str) -> Verdict | None:
        level = self._nest.level(char, self._nest.depth)
        previous = text[at - 1] if at > self._start else ""
        if level < 0:
            if char == "'" and Nest.may_open(previous):
                self._nest.open_apostrophe(at)
            return at + 1, False
        if at + 1 == len(text) and not self._final:
            return None
        if not text[at + 1 : at + 2].isalnum() and not previous.isspace():
            return self._closed(text, at, level)
        return at + 1, False

    def _bracket(self, text: str, at: int, char: str) -> Verdict | None:
        level = self._nest.level(char, self._nest.depth)
        if level >= 0:
            return self._closed(text, at, level)
        if char == "(":
            if at + 1 == len(text) and not self._final:
                return None
            if text[at + 1 : at + 2].isspace():
                return at + 1, False
        self._nest.take(char, text[at - 1] if at > self._start else "", at)
        return at + 1, False

    def _closed(self, text: str, at: int, level: int) -> Verdict | None:
        """A closer apart from the mark that it closes: « Viens ! »."""
        self._nest.close_to(level)
        return at + 1, False

    def _pair(self, text: str, at: int) -> Verdict | None:
        if at + 1 == len(text) and not self._final:
            return None
        if text[at + 1 : at + 2] != marks.PAIRED or self._nest.holds(text, at, self._nest.depth):
            return at + 1, False
        return at + 2, True

    # ------------------------------------------------------------ less than a sentence
    def _space(self, text: str, at: int) -> Verdict | None:
        """A space between Thai words parts phrases."""
        if not caps.is_long_phrase(at - self._start, eager=self._eager):
            return at + 1, False
        if at + 1 == len(text) and not self._final:
            return None
        parts = caps.parts_phrases(text[at - 1 : at], text[at + 1 : at + 2])
        return (at, True) if parts and not self._is_nested(text, at) else (at + 1, False)

    def _clause(self, text: str, at: int, char: str) -> Verdict | None:
        """While eager: whether a clause of some length ends here."""
        if at + 1 >= len(text):
            return (at + 1, False) if self._final else None
        if self._is_nested(text, at) or not caps.is_some_clause(text, self._start, at):
            return at + 1, False
        following = text[at + 1]
        previous = text[at - 1]
        if char in marks.CLAUSE_DENSE or (_DENSE.match(previous) and _DENSE.match(following)):
            parted = following not in _CLAUSES and following not in marks.CLOSERS
            return at + 1, parted and not following.isdigit() and following not in _BREAKS
        if char == "—" and following.isalpha():
            return at + 1, True
        if not following.isspace() or following in _BREAKS or (char == "–" and previous != " "):
            return at + 1, False
        if text[at - 2 : at].strip()[-1:].isdigit():
            first = words.first_ahead(text, at + 1, final=self._final)
            return None if first is None else (at + 1, not first.isdigit())
        return at + 1, True

    def _is_nested(self, text: str, at: int) -> bool:
        return self._nest.holds(text, at, self._nest.depth)
