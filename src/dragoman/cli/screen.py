"""Output of a running interpretation: terminal or pipe, latencies, WAV and event log.

Scope: output only, for ``translate`` and ``demo``. ``CaptionScreen`` shows captions; ``EventSink``
passes each event to the screen, the latencies, the WAV and the log.

On a terminal the open lines and a progress bar stay at the bottom and final lines scroll up. A pipe
gets only final lines as plain text: ``en: …`` and ``es: …``. All other output goes to standard
error.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from dragoman.cli.captions import CaptionLine, Captions, plain
from dragoman.client.event_log import EventLog
from dragoman.client.events import Event, Problem, ResponseFinished, SourceText, SpeechAudio
from dragoman.client.latency import Latency, LatencySummary
from dragoman.client.wav import WavWriter

PROGRESS_BAR_FROM_MS = 20_000


class CaptionScreen:
    """A context manager; ``show`` each event, ``progress`` as the source is sent."""

    def __init__(
        self, captions: Captions, total_ms: float | None, console: Console | None = None
    ) -> None:
        self._captions = captions
        self._console = console or Console(highlight=False)
        self._notes = Console(stderr=True, highlight=False)
        self._bar: Progress | None = None
        self._live: Live | None = None
        if self._console.is_terminal:
            if total_ms is not None and total_ms >= PROGRESS_BAR_FROM_MS:
                self._bar = _bar(self._console, total_ms)
            self._live = Live(Text(), console=self._console, refresh_per_second=12, transient=True)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Print the open lines and release the terminal. Safe to call twice."""
        left = self._captions.rest()
        if self._live is not None:
            self._live.update(Text())
        for line in left:
            self._print(line)
        if self._live is not None:
            self._live.stop()
            self._live = None

    def show(self, event: Event) -> None:
        """Apply an event and show what changed."""
        if isinstance(event, Problem):
            self.note(f"The server reports: {event.message or event.code}", style="yellow")
            return
        finished = self._captions.apply(event)
        if self._live is not None and not isinstance(event, SpeechAudio):
            self._live.update(self._picture())  # Before printing, else a line shows twice.
        for line in finished:
            self._print(line)

    def progress(self, media_ms: float) -> None:
        """Update the progress bar: this much of the source was sent."""
        if self._bar is not None and self._live is not None:
            self._bar.update(self._bar.task_ids[0], completed=media_ms)
            self._live.update(self._picture())

    def note(self, text: str, style: str = "") -> None:
        """Show a message."""
        if self._live is not None:
            self._live.console.print(Text(plain(text), style=style))
        else:
            self._notes.print(Text(plain(text), style=style), soft_wrap=True)

    def _picture(self) -> RenderableType:
        picture = self._captions.picture()
        if self._bar is None:
            return picture
        # Room for the terminal's "^C", which would otherwise wrap the last line.
        return Group(picture, Constrain(self._bar, max(20, self._console.width - 4)))

    def _print(self, line: CaptionLine) -> None:
        if self._live is not None:
            self._live.console.print(self._captions.styled(line))
        else:
            self._console.print(Text(f"{line.label}: {line.text}"), soft_wrap=True)


def _bar(console: Console, total_ms: float) -> Progress:
    bar = Progress(
        TextColumn("[dim]sent"),
        BarColumn(bar_width=None),
        TextColumn("[dim]{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
        console=console,
        auto_refresh=False,
    )
    bar.add_task("sent", total=total_ms)
    return bar


class EventSink:
    """Passes the events of one interpretation to the screen, the latencies, the WAV and the log.

    With ``timeline`` the WAV has silence between the pieces, so that the speech is where it would
    have been heard beside the source; without it the pieces follow one another.
    """

    def __init__(
        self, screen: CaptionScreen, log: EventLog, wav: WavWriter | None, *, timeline: bool
    ) -> None:
        self.latency = Latency()
        self.languages: dict[str, None] = {}
        self.heard = self.translated = self.failed = 0
        self._screen = screen
        self._log = log
        self._wav = wav
        self._timeline = timeline

    def take(self, at_ms: float, event: Event) -> None:
        """Handle an event that arrived at this time (ms since the start of sending)."""
        silence_ms = self.latency.note(at_ms, event)
        self._log.received(at_ms, event)
        self._count(event)
        if isinstance(event, SpeechAudio) and self._wav is not None:
            if self._timeline:
                self._wav.silence(silence_ms)
            self._wav.write(event.data)
        self._screen.show(event)

    def shortcomings(self) -> list[str]:
        """What was missing in the session, one line each, for a client that heard no error."""
        if self.failed:
            turns = f"{self.failed} of {self.failed + self.translated} turns"
            spoken = f", spoken in: {', '.join(self.languages)}" if self.languages else ""
            return [
                f"Not translated: {turns}{spoken}. The server's log says why; `dragoman engines` "
                "there lists the directions it has."
            ]
        if not self.heard:
            return [
                "No words were recognised: nobody speaks, not clearly, or in a language that the "
                "server does not recognise (`dragoman doctor` there says what is missing)."
            ]
        return []

    def _count(self, event: Event) -> None:
        match event:
            case SourceText(final=True, text=text) if text.strip():
                self.heard += 1
                if event.language:
                    self.languages[plain(event.language)] = None
            case ResponseFinished(status="failed"):
                self.failed += 1
            case ResponseFinished():
                self.translated += 1
            case _:
                pass


def closing_lines(found: LatencySummary) -> list[str]:
    """The latencies, one per line, of a session that was sent in real time."""
    rows = [
        ("first text", found.first_text_ms, "after the speaker began"),
        ("first translated text", found.first_translation_ms, "after the speaker began"),
        ("first voice", found.first_voice_ms, "after the speaker began"),
        ("longest gap", found.longest_gap_ms, "silence inside the translated voice"),
        ("voice lag at the end", found.voice_end_lag_ms, "after the speaker had finished"),
    ]
    width = max(len(name) for name, _, _ in rows)
    return [
        f"  {name:<{width}}  {value / 1000:6.2f} s  {meaning}"
        if value is not None
        else f"  {name:<{width}}   none came"
        for name, value, meaning in rows
    ]


def complain(text: str) -> None:
    """Print an error message to standard error."""
    Console(stderr=True, highlight=False).print(
        Text("Error: ", style="bold red") + Text(text, style="not bold"), soft_wrap=True
    )


def is_terminal() -> bool:
    """Whether standard error is a terminal."""
    return sys.stderr.isatty()
