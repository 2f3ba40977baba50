"""Markup to what a person would read aloud: Markdown, HTML, SSML, addresses, emoji.

Scope: pure. A ``MarkupReader`` goes through one text, segment by segment, and keeps only what spans
segments: whether a line begins, an open fence, an open table row. Rules for whole lines are here,
those inside a line in ``inline_markup``. Markup is never obeyed: tags are dropped, and nothing is
left that an engine could take for a command of its own (``[[...]]``, ``<...>``).

Words, numbers and symbols stay as they are; to read them is the engine's task.
"""

from __future__ import annotations

import re

from dragoman.policy.reading.inline_markup import MARKED, read_inline
from dragoman.text.spoken import is_speakable

_LINE_MARKED = re.compile(r"\s*(?:[-+=•‣◦▪●○]|\d+\\)|[\n\u2028\u2029\r]")
_LINES = re.compile(r"[^\n\u2028\u2029]*[\n\u2028\u2029]|[^\n\u2028\u2029]+")
_FENCE = re.compile(r"[ \t>]{0,12}(?:[-*+] |\d+\. )?(`{3,}|~{3,})(.*)", re.DOTALL)
_RULE = re.compile(r"\s*(?:([-*_=])[ \t]*)(?:\1[ \t]*)*$")
_DASH_LINE = re.compile(r"(?=.*?--)[\s:|-]+$")
_QUOTE = re.compile(r"\s*(?:>[ \t]?)+")
_HEADING = re.compile(r"[ \t]*#{1,6}[ \t]+")
_HEADING_END = re.compile(r"[ \t]+#+[ \t]*$")
_BULLET = re.compile(r"[ \t]*[-*+•‣◦▪●○][ \t]+(?:\[[ xX]\][ \t]+)?")
_NUMBERED_TASK = re.compile(r"([ \t]*\d+[.)][ \t]+)\[[ xX]\][ \t]+")
_NOTE = re.compile(r"[ \t]*\[\^[^\]\s]{1,40}\]:[ \t]*")
_DEFINITION = re.compile(r"[ \t]{0,3}\[[^\]\n]{1,200}\]:[ \t]*<?\S+>?(?:[ \t]+[\"'(].*)?\s*$")
_HIDDEN = re.compile(r"<!--|<(script|style)\b[^>]*>", re.IGNORECASE)
_CELL_ENDS = frozenset(".!?,;:。！？，…")
_SPACES = re.compile(r"\s+")


class MarkupReader:
    """One text, segment by segment."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """A new text begins."""
        self._fence = ""
        self._hidden_until = ""
        self._is_line_start = True
        self._is_row = False

    def read(self, segment: str) -> str:
        """What to speak for the next segment of the text; empty for nothing."""
        if (
            not self._fence
            and not self._hidden_until
            and not self._is_row
            and MARKED.search(segment) is None
            and _LINE_MARKED.match(segment) is None
        ):
            return self._plain(segment)
        spoken = []
        for found in _LINES.finditer(segment):
            line = self._line(found[0])
            if line:
                spoken.append(line)
        return _tidy(" ".join(spoken))

    def _plain(self, segment: str) -> str:
        if self._is_line_start and segment and not segment.isspace():
            self._is_line_start = False
        return segment.strip()

    def _line(self, line: str) -> str:
        """One line, or the part of it that the segment has, as it is read."""
        is_start = self._is_line_start
        ends = line[-1] in "\n\u2028\u2029"
        if ends or not line.isspace():
            self._is_line_start = ends
        body = line.rstrip()
        if ends and body.endswith("\\") and not body.endswith("\\\\"):
            body = body[:-1]  # a Markdown line break
        was_row = self._is_row and not is_start
        self._is_row = False
        if self._fence:
            self._close_fence(body, is_start=is_start)
            return ""
        body = self._without_hidden(body)
        if is_start and body:
            opened = _FENCE.match(body)
            if opened and opened[1][0] not in opened[2]:
                self._fence = opened[1]
                return ""
            if _RULE.match(body) or _DASH_LINE.match(body) or _DEFINITION.match(body):
                note = _NOTE.match(body)
                return read_inline(body[note.end() :]) if note else ""
            body = _without_line_marks(body)
        return self._row(body, is_start=is_start, was_row=was_row, ends=ends)

    def _close_fence(self, body: str, *, is_start: bool) -> None:
        bare = body.lstrip(" \t>")
        is_fence = bare.startswith(self._fence) and not bare.strip(self._fence[0])
        if is_start and is_fence:
            self._fence = ""

    def _without_hidden(self, body: str) -> str:
        """Without comments, scripts and styles, which may span lines."""
        shown = ""
        while self._hidden_until or "<" in body:
            if self._hidden_until:
                at = body.lower().find(self._hidden_until)
                if at < 0:
                    return shown
                body = body[at + len(self._hidden_until) :]
                self._hidden_until = ""
            opened = _HIDDEN.search(body)
            if opened is None or "`" in body[: opened.start()]:
                break
            shown += body[: opened.start()] + " "
            body = body[opened.end() :]
            self._hidden_until = f"</{opened[1].lower()}>" if opened[1] else "-->"
        return shown + body

    def _row(self, body: str, *, is_start: bool, was_row: bool, ends: bool) -> str:
        """The cells of a table row, joined with commas; any other line as it is read."""
        opens = is_start and body.lstrip().startswith("|")
        if not (opens or was_row or " | " in body):
            return read_inline(body)
        self._is_row = (opens or was_row) and not ends
        cells = [read_inline(cell) for cell in _split_cells(body)]
        row = ""
        for cell in filter(None, cells):
            row += cell if not row else (" " if row[-1] in _CELL_ENDS else ", ") + cell
        return row


def _without_line_marks(body: str) -> str:
    """Without the marks of quotes, headings, bullets, tasks and footnotes at its beginning."""
    quote = _QUOTE.match(body)
    if quote:
        body = body[quote.end() :]
    bullet = _BULLET.match(body)
    if bullet:
        body = body[bullet.end() :]
    heading = _HEADING.match(body)
    if heading:
        return _HEADING_END.sub("", body[heading.end() :])
    note = _NOTE.match(body)
    if note:
        return body[note.end() :]
    return _NUMBERED_TASK.sub(r"\1", body, count=1)


def _split_cells(body: str) -> list[str]:
    """The cells of a row; a bar behind a backslash or inside code separates none."""
    cells, last, is_code = [], 0, False
    for index, char in enumerate(body):
        if char == "`":
            is_code = not is_code
        elif char == "|" and not is_code and body[index - 1 : index] != "\\":
            cells.append(body[last:index])
            last = index + 1
    cells.append(body[last:])
    return cells


def _tidy(text: str) -> str:
    text = _SPACES.sub(" ", text).strip()
    return text if is_speakable(text) else ""
