"""Live captions: source and translation as two growing lines.

Scope: state and how it is drawn; no socket, no clock, no terminal. Tentative words are dimmed; a
final line is printed and scrolls up.

The server finishes the source of a turn before its translation, so a final source line waits for
its translation and both are printed together. If the next source line is final first, the waiting
one is printed alone. At most eight lines of each kind are open. Control characters are removed from
texts, because they could control the terminal.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.text import Text

from dragoman.client.events import Event, ResponseFinished, SourceText, TranslatedText

_MAX_OPEN = 8


class CaptionLine(NamedTuple):
    """A final line; ``label`` names its language."""

    label: str
    text: str
    translated: bool


class _OpenLine(NamedTuple):
    text: str = ""
    stash: str = ""


def plain(text: str) -> str:
    """The text on one line, without control characters."""
    spaced = text.replace("\n", " ").replace("\t", " ")
    return "".join(c for c in spaced if unicodedata.category(c) not in {"Cc", "Cs"})


class Captions:
    """The captions of one session: ``apply`` each event, then show ``picture``."""

    def __init__(self, source: str | None, target: str) -> None:
        """The labels of the two lines, e.g. ``en`` and ``es``.

        Without a source language, the detected one becomes the label.
        """
        self._labels = (plain(source or "…"), plain(target))
        self._detects = source is None
        self._source_lines: dict[str, _OpenLine] = {}
        self._target_lines: dict[str, _OpenLine] = {}
        self._waiting: list[CaptionLine] = []

    def apply(self, event: Event) -> list[CaptionLine]:
        """Apply an event; returns the lines that became final, in the order to print them."""
        match event:
            case SourceText():
                return self._source(event)
            case TranslatedText():
                return self._target(event)
            case ResponseFinished():
                open_line = self._target_lines.pop(event.response_id, _OpenLine())
                line = self._line(open_line.text, translated=True)
                return [*self._flush(), line] if line.text else self._flush()
        return []

    def rest(self) -> list[CaptionLine]:
        """The open lines as final ones, for a session that broke off."""
        left = [self._line(now.text, translated=False) for now in self._source_lines.values()]
        left += [self._line(now.text, translated=True) for now in self._target_lines.values()]
        self._source_lines.clear()
        self._target_lines.clear()
        return [*self._flush(), *(line for line in left if line.text)]

    def picture(self) -> RenderableType:
        """The open lines, for a live display."""
        lines: list[RenderableType] = [
            self._draw(line.text, "", translated=line.translated) for line in self._waiting
        ]
        lines += [self._draw(*now, translated=False) for now in self._source_lines.values()]
        lines += [self._draw(*now, translated=True) for now in self._target_lines.values()]
        return Group(*lines)

    def styled(self, line: CaptionLine) -> Text:
        """A final line with its style."""
        return self._draw(line.text, "", translated=line.translated)

    def _source(self, event: SourceText) -> list[CaptionLine]:
        if self._detects and event.language:
            self._labels = (plain(event.language), self._labels[1])
        if not event.final:
            _put(
                self._source_lines, event.item_id, _OpenLine(plain(event.text), plain(event.stash))
            )
            return []
        self._source_lines.pop(event.item_id, None)
        printed = self._flush()
        line = self._line(event.text, translated=False)
        if line.text:
            self._waiting.append(line)
        return printed

    def _target(self, event: TranslatedText) -> list[CaptionLine]:
        key = event.response_id
        if not event.final:
            _put(self._target_lines, key, _OpenLine(plain(event.text), plain(event.stash)))
            return []
        self._target_lines.pop(key, None)
        line = self._line(event.text, translated=True)
        if not line.text:
            return self._flush()
        if self._source_lines and not self._waiting:
            # Text-only sessions may finish the translation first: wait for the source.
            _put(self._target_lines, key, _OpenLine(line.text))
            return []
        return [*self._flush(), line]

    def _flush(self) -> list[CaptionLine]:
        printed, self._waiting = self._waiting, []
        return printed

    def _line(self, text: str, *, translated: bool) -> CaptionLine:
        return CaptionLine(self._labels[translated], plain(text).strip(), translated)

    def _draw(self, text: str, stash: str, *, translated: bool) -> Text:
        colour = "green" if translated else "cyan"
        shown = Text(f"{self._labels[translated]:>4} ", style=f"bold {colour}")
        shown.append(text.lstrip(), style="not bold bright_white" if translated else "not bold")
        shown.append(stash if text else stash.lstrip(), style="not bold dim")
        return shown


def _put(open_lines: dict[str, _OpenLine], key: str, now: _OpenLine) -> None:
    open_lines[key] = now
    if len(open_lines) > _MAX_OPEN:
        del open_lines[next(iter(open_lines))]
