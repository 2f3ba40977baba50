"""Live captions: what is being said and what it means, as two growing lines.

Law of this file: state and its picture; no socket, no clock, no terminal. ``Captions`` takes the
typed events of ``dragoman.client`` and so knows no dialect. Words that may still change are
dimmed; a segment that is final leaves as plain text and scrolls up.

How it works. A segment is one stretch of speech (an item) and its translation (a response). The
wire closes the item before the response, so a finished source line waits for its translation and
both leave together; if another source line finishes first, the one waiting leaves alone. Bounded:
at most eight segments are open at once. Texts come from a network: control characters, which
could steer the terminal, are taken out.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.text import Text

from dragoman.client.events import Event, ResponseFinished, SourceText, TranslatedText

_OPEN = 8


class CaptionLine(NamedTuple):
    """A finished line: ``label`` names the language, ``text`` is what was said."""

    label: str
    text: str
    translated: bool


class _Growing(NamedTuple):
    text: str = ""
    stash: str = ""


def plain(text: str) -> str:
    """The text on one line, without anything that a terminal would obey."""
    spaced = text.replace("\n", " ").replace("\t", " ")
    return "".join(c for c in spaced if unicodedata.category(c) not in {"Cc", "Cs"})


class Captions:
    """The captions of one session. ``apply`` each event; show ``picture`` after it."""

    def __init__(self, source: str | None, target: str) -> None:
        """The labels of the two lines, e.g. ``en`` and ``es``.

        With no source language, the one that the server detects becomes the label.
        """
        self._labels = (plain(source or "…"), plain(target))
        self._detects = source is None
        self._heard: dict[str, _Growing] = {}
        self._said: dict[str, _Growing] = {}
        self._waiting: list[CaptionLine] = []

    def apply(self, event: Event) -> list[CaptionLine]:
        """Take an event in; returns the lines that became final, in the order to print them."""
        match event:
            case SourceText():
                return self._source(event)
            case TranslatedText():
                return self._target(event)
            case ResponseFinished():
                held = self._said.pop(event.response_id, _Growing())
                line = self._line(held.text, translated=True)
                return [*self._flush(), line] if line.text else self._flush()
        return []

    def rest(self) -> list[CaptionLine]:
        """What is still open, as lines: for the end of a session that broke off."""
        left = [self._line(now.text, translated=False) for now in self._heard.values()]
        left += [self._line(now.text, translated=True) for now in self._said.values()]
        self._heard.clear()
        self._said.clear()
        return [*self._flush(), *(line for line in left if line.text)]

    def picture(self) -> RenderableType:
        """The two lines as they stand, for a live display; empty where nothing is open."""
        lines: list[RenderableType] = [
            self._growing(line.text, "", translated=line.translated) for line in self._waiting
        ]
        lines += [self._growing(*now, translated=False) for now in self._heard.values()]
        lines += [self._growing(*now, translated=True) for now in self._said.values()]
        return Group(*lines)

    def styled(self, line: CaptionLine) -> Text:
        """A finished line as it scrolls up."""
        return self._growing(line.text, "", translated=line.translated)

    def _source(self, event: SourceText) -> list[CaptionLine]:
        if self._detects and event.language:
            self._labels = (plain(event.language), self._labels[1])
        if not event.final:
            _keep(self._heard, event.item_id, _Growing(plain(event.text), plain(event.stash)))
            return []
        self._heard.pop(event.item_id, None)
        leaving = self._flush()
        line = self._line(event.text, translated=False)
        if line.text:
            self._waiting.append(line)
        return leaving

    def _target(self, event: TranslatedText) -> list[CaptionLine]:
        key = event.response_id
        if not event.final:
            _keep(self._said, key, _Growing(plain(event.text), plain(event.stash)))
            return []
        self._said.pop(key, None)
        line = self._line(event.text, translated=True)
        if not line.text:
            return self._flush()
        if self._heard and not self._waiting:
            # Text-only sessions may close the translation first; keep it under its source line.
            _keep(self._said, key, _Growing(line.text))
            return []
        return [*self._flush(), line]

    def _flush(self) -> list[CaptionLine]:
        leaving, self._waiting = self._waiting, []
        return leaving

    def _line(self, text: str, *, translated: bool) -> CaptionLine:
        return CaptionLine(self._labels[translated], plain(text).strip(), translated)

    def _growing(self, text: str, stash: str, *, translated: bool) -> Text:
        colour = "green" if translated else "cyan"
        shown = Text(f"{self._labels[translated]:>4} ", style=f"bold {colour}")
        shown.append(text.lstrip(), style="not bold bright_white" if translated else "not bold")
        shown.append(stash if text else stash.lstrip(), style="not bold dim")
        return shown


def _keep(open_lines: dict[str, _Growing], key: str, now: _Growing) -> None:
    open_lines[key] = now
    if len(open_lines) > _OPEN:
        del open_lines[next(iter(open_lines))]
