"""One mark of the text: cut behind it, go on, or wait for more text.

Scope: every look-ahead is bounded, and a decision does not depend on later text. A verdict is where
to go on and whether to cut there; None in its place means to ask again with more text. Rules about
words are in ``abbreviation_rules``, what is open in ``open_quotes``.
"""

from __future__ import annotations

import re

from dragoman.policy.segmentation import abbreviation_rules as words
from dragoman.policy.segmentation import length_limits
from dragoman.policy.segmentation.data import marks
from dragoman.policy.segmentation.open_quotes import OpenQuotes
from dragoman.text.characters import EXTENDS
from dragoman.text.scripts import is_dense

BREAKS = "\n\u2028\u2029"
TERMINATORS = frozenset(marks.STRONG | marks.WEAK)
BRACKETS = frozenset("".join(marks.PAIRS)) | marks.CLOSERS | frozenset(marks.REVERSED)
CLAUSES = marks.CLAUSE | marks.CLAUSE_DENSE

_RUN = re.compile(f"[{re.escape(''.join(sorted(TERMINATORS)))}]{{1,40}}")
_ATTACHED = re.compile(f"[{marks.EMOJI}{EXTENDS}¹²³⁴-⁹⁰]")
_FOOTNOTE = re.compile(r"\[\^?\d{0,3}\]?")
_ASKING = re.compile(f"[{marks.SEMICOLON_ASKS}]")
_FENCE = re.compile(r"`{3,16}|~{3,16}")
_INDENT = " \t>-*+0123456789."
_CLOSERS_AT_MOST = 12
_WRAPPED_FROM = 30
_ADDRESS = re.compile(r"(?:://|www\.|@)\S{0,60}$")

Verdict = tuple[int, bool]
"""Where to go on, and whether to cut there. None in its place: wait for more text."""


class BoundaryRules:
    """The segment that is being read: where it and its line begin, what is open in it."""

    __slots__ = ("eager", "fence", "final", "line", "open_quotes", "start")

    def __init__(self) -> None:
        self.start = self.line = 0
        self.eager = False
        self.final = False
        """Whether the end of the buffer is the end of the text."""
        self.fence = ""
        """The marks that opened the code block in which the text is."""
        self.open_quotes = OpenQuotes()

    def restart(self) -> None:
        """A new text begins."""
        self.start = self.line = 0
        self.fence = ""
        self.open_quotes.clear()

    def shift(self, by: int) -> None:
        """The text lost its first ``by`` characters."""
        self.start -= by
        self.line -= by
        self.open_quotes.shift(by)

    def verdict(self, text: str, at: int, char: str) -> Verdict | None:
        """The verdict on the mark at ``at``."""
        if char in TERMINATORS:
            return self._terminator(text, at, char)
        if char in BREAKS:
            return self._line_break(text, at)
        if char in "'’":
            return self._apostrophe(text, at, char)
        if char in "`~":
            return self._tick(text, at, char)
        if char == " ":
            return self._space(text, at)
        if char in BRACKETS:
            return self._bracket(text, at, char)
        if char == marks.PAIRED:
            return self._pair(text, at)
        if char == ";" and at > self.start and _ASKING.match(text[at - 1]):
            return self._terminator(text, at, char)
        return self._clause(text, at, char) if self.eager else (at + 1, False)

    def _terminator(self, text: str, at: int, char: str) -> Verdict | None:
        if char in marks.AT_ONCE and not self.open_quotes:
            return at + 1, True
        run = _RUN.match(text, at)
        stop = run.end() if run else at + 1
        behind, depth = self._closing(text, stop)
        if behind >= len(text) and not self.final:
            return None
        if text.startswith("[", behind):
            note = _FOOTNOTE.match(text, behind)
            if note and note.end() == len(text) and not self.final and note[0][-1] != "]":
                return None
            if note and note[0][-1] == "]" and len(note[0]) > 2:
                behind = note.end()
                if behind >= len(text) and not self.final:
                    return None
        is_inside = behind >= len(text) or self.open_quotes.holds(text, at, depth)
        ends = False if is_inside else self._ends(text, at, stop, behind)
        if ends is None:
            return None
        self.open_quotes.close_to(depth)
        return behind, ends

    def _closing(self, text: str, at: int) -> tuple[int, int]:
        """The place behind the closers, emphasis marks and emoji at ``at``, and the depth there."""
        depth = self.open_quotes.depth
        for index in range(at, min(len(text), at + _CLOSERS_AT_MOST)):
            char = text[index]
            if char in marks.CLOSERS or char in marks.PAIRS:
                level = self.open_quotes.level(char, depth)
                if level >= 0:
                    depth = level
                elif char in marks.PAIRS or char in marks.STRAIGHT or char in "«‹":
                    return index, depth
            elif char in " \u00a0\u202f":
                if not depth or self.open_quotes.level("»", depth) < 0:
                    return index, depth
                if index + 1 < len(text) and text[index + 1] != "»":
                    return index, depth
            elif char not in marks.EMPHASIS and not _ATTACHED.match(char):
                return index, depth
        return min(len(text), at + _CLOSERS_AT_MOST), depth

    def _ends(self, text: str, at: int, stop: int, behind: int) -> bool | None:
        """Whether the marks from ``at`` to ``stop`` end a sentence. There is more text at
        ``behind``, behind their closers.
        """
        following = text[behind]
        closers = text[stop:behind]
        is_quoted = any(char in marks.QUOTES for char in closers)
        if following in BREAKS:
            return False  # decided at the line break
        if not following.isspace():
            return self._ends_densely(text, at, stop, behind, is_quoted=is_quoted)
        run = text[at:stop]
        if is_quoted or closers.strip("*_~`"):
            return self._ends_behind_closers(text, behind)
        if run[-1] not in "!?！？؟⁉⁈‼⁇" and (len(run) > 1 or run in marks.ELLIPSES):
            first = words.first_ahead(text, behind, final=self.final)
            return None if first is None else not (first.islower() or first in CLAUSES)
        if run != ".":
            return self._ends_by_mark(text, at, behind)
        kind = words.kind_before(text, self.start, self.line, at)
        return words.ends_with(kind, text, self.start, at, behind=behind, final=self.final)

    def _ends_by_mark(self, text: str, at: int, behind: int) -> bool | None:
        """! and ? end a sentence, except in names and in front of "— she said"."""
        opening = text[self.start : self.start + 4].lstrip()[:1]
        if opening not in marks.DASHES and not words.is_name(text, self.start, at):
            return True
        first = words.first_ahead(text, behind, final=self.final)
        if first is None:
            return None
        if first not in marks.DASHES:
            return not first.islower()
        speaker = words.first_behind_dash(text, behind, final=self.final)
        return None if speaker is None else not speaker.islower()

    def _ends_behind_closers(self, text: str, behind: int) -> bool | None:
        goes_on = words.goes_on_after_quote(text, behind, final=self.final)
        return None if goes_on is None else not goes_on

    def _ends_densely(
        self, text: str, at: int, stop: int, behind: int, *, is_quoted: bool
    ) -> bool | None:
        """``_ends`` without white space behind the marks."""
        following = text[behind]
        last = text[stop - 1]
        if following in TERMINATORS or following in CLAUSES:
            return False
        if last in marks.STRONG:
            if marks.FOLLOWED.get(last) == following or self._is_aside(text, stop, behind):
                return False
            return self._ends_behind_closers(text, behind) if is_quoted else True
        if not is_dense(following) and following not in marks.DENSE_OPENERS:
            return False
        if any(mark in text[at:stop] for mark in marks.ELLIPSES):
            return False
        before = text[at - 1] if at > self.start else ""
        if last == "." and not is_quoted and not is_dense(before or "."):
            return False
        if _ADDRESS.search(text, max(self.start, at - 60), at) and (
            last == "." or before.isascii()
        ):
            return False
        return self._ends_behind_closers(text, behind) if is_quoted else True

    def _is_aside(self, text: str, stop: int, behind: int) -> bool:
        """Whether the closers end a bracket inside a sentence of a dense script."""
        opened = self.open_quotes.opened_by(text[stop:behind], marks.ASIDES)
        return opened is not None and text[self.start : max(self.start, opened)].strip() != ""

    def _line_break(self, text: str, at: int) -> Verdict | None:
        line = max(self.line, self.start)
        if self.fence:
            self._close_fence(text, line, at)
        else:
            goes_on = self._is_wrapped(text, line, at)
            if goes_on is None:
                return None
            if goes_on:
                self.line = at + 1
                return at + 1, False
        self.line = at + 1
        self.open_quotes.clear()
        return at + 1, True

    def _is_wrapped(self, text: str, line: int, at: int) -> bool | None:
        """Whether the sentence goes on behind the line break at ``at``."""
        last = text[max(line, at - 3) : at].rstrip()[-1:]
        if last not in CLAUSES and (at - line < _WRAPPED_FROM or last in TERMINATORS):
            return False
        if last in {":", "："} or text[line : line + 4].lstrip()[:1] in {"#", "|"}:
            return False
        for index in range(at + 1, at + 8):
            if index >= len(text):
                return False if self.final else None
            if text[index] not in " \t":
                return text[index].islower()
        return False

    def _close_fence(self, text: str, line: int, at: int) -> None:
        if text[line : min(at, line + 40)].strip() == self.fence and at - line < 40:
            self.fence = ""

    def _tick(self, text: str, at: int, char: str) -> Verdict | None:
        """Backticks and tildes: a fence at the beginning of a line, else a code span."""
        stop = at
        while stop < len(text) and stop - at < 16 and text[stop] == char:
            stop += 1
        if stop == len(text) and stop - at < 16 and not self.final:
            return None
        line = max(self.line, self.start)
        is_first = line == self.line and at - line < 8 and not text[line:at].strip(_INDENT)
        if stop - at >= 3 and is_first:
            self.fence = text[at:stop]
            self.open_quotes.clear()
        elif char == "`":
            self.open_quotes.take(char, "", at)
        return stop, False

    def _apostrophe(self, text: str, at: int, char: str) -> Verdict | None:
        level = self.open_quotes.level(char, self.open_quotes.depth)
        previous = text[at - 1] if at > self.start else ""
        if level < 0:
            if char == "'" and OpenQuotes.may_open(previous):
                self.open_quotes.open_apostrophe(at)
            return at + 1, False
        if at + 1 == len(text) and not self.final:
            return None
        if not text[at + 1 : at + 2].isalnum() and not previous.isspace():
            self.open_quotes.close_to(level)
        return at + 1, False

    def _bracket(self, text: str, at: int, char: str) -> Verdict | None:
        level = self.open_quotes.level(char, self.open_quotes.depth)
        if level >= 0:
            self.open_quotes.close_to(level)  # apart from the mark before it: « Viens ! »
            return at + 1, False
        if char == "(":
            if at + 1 == len(text) and not self.final:
                return None
            if text[at + 1 : at + 2].isspace():
                return at + 1, False
        self.open_quotes.take(char, text[at - 1] if at > self.start else "", at)
        return at + 1, False

    def _pair(self, text: str, at: int) -> Verdict | None:
        if at + 1 == len(text) and not self.final:
            return None
        is_end = text[at + 1 : at + 2] == marks.PAIRED and not self._is_quoted(text, at)
        return (at + 2, True) if is_end else (at + 1, False)

    # ------------------------------------------------------------ less than a sentence
    def _space(self, text: str, at: int) -> Verdict | None:
        """A space between Thai words separates phrases."""
        if not length_limits.is_long_phrase(at - self.start, eager=self.eager):
            return at + 1, False
        if at + 1 == len(text) and not self.final:
            return None
        separates = length_limits.separates_phrases(text[at - 1 : at], text[at + 1 : at + 2])
        return (at, True) if separates and not self._is_quoted(text, at) else (at + 1, False)

    def _clause(self, text: str, at: int, char: str) -> Verdict | None:
        """While eager: whether a clause of some length ends here."""
        if at + 1 >= len(text):
            return (at + 1, False) if self.final else None
        if self._is_quoted(text, at) or not length_limits.is_long_clause(text, self.start, at):
            return at + 1, False
        following = text[at + 1]
        previous = text[at - 1]
        if char in marks.CLAUSE_DENSE or (is_dense(previous) and is_dense(following)):
            is_free = following not in CLAUSES and following not in marks.CLOSERS
            return at + 1, is_free and not following.isdigit() and following not in BREAKS
        if char == "—" and following.isalpha():
            return at + 1, True
        if not following.isspace() or following in BREAKS or (char == "–" and previous != " "):
            return at + 1, False
        if text[at - 2 : at].strip()[-1:].isdigit():
            first = words.first_ahead(text, at + 1, final=self.final)
            return None if first is None else (at + 1, not first.isdigit())
        return at + 1, True

    def _is_quoted(self, text: str, at: int) -> bool:
        return self.open_quotes.holds(text, at, self.open_quotes.depth)
