"""Draw into docs/events/ what the code knows: example frames, orders, tables. ``--check`` compares.

Example frames of the server come out of two sessions, played against an engine of a few lines
through the codec; those of a client are its events as this project encodes them. The tables of
errors are taken from ``docs/errors.md``, whose every row the tests play. What each model family
takes is found by asking it. A page holds ``<!-- draw: WHAT -->`` … ``<!-- drawn -->``.
"""

from __future__ import annotations

import json
import re
import sys
from array import array
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from dragoman.protocol.audio_input.events import AudioAppend, AudioClear, AudioCommit
from dragoman.protocol.core import fields
from dragoman.protocol.core.codec import wire_name
from dragoman.protocol.core.commands import Command, End, Ended, Output, Push, Report, Send
from dragoman.protocol.core.events import ClientEvent, Ids, nonce_from
from dragoman.protocol.core.session import BaseSession, Limits
from dragoman.protocol.realtime.events import ResponseCancel, SessionFinish, SessionUpdate
from dragoman.protocol.recognition import event_order
from dragoman.protocol.registry import SYNTHESIS, lookup, make_session
from dragoman.protocol.synthesis import events as tts
from dragoman.protocol.synthesis.family import FORMATS, SAMPLE_RATES
from dragoman.protocol.synthesis.response import NEXT
from dragoman.speech import (
    Audio,
    Coverage,
    EndTurn,
    Heard,
    Said,
    SpeechStarted,
    SpeechStopped,
    TurnDone,
    Voiced,
)

DOCS = Path(__file__).resolve().parent.parent / "docs"
FOLDER = DOCS / "events" / "synthesis"
RECOGNITION_PAGE = DOCS / "events" / "recognition" / "index.md"
BLOCK = re.compile(r"(<!-- draw: (.+?) -->\n).*?(<!-- drawn -->)", re.DOTALL)
ROW = re.compile(r"^\| ([\w-]+) \|.*\|$", re.MULTILINE)
WIDTH = 96
MODEL = "qwen3-tts-flash-realtime"
MODELS = (
    "qwen-tts-realtime",
    MODEL,
    "qwen3-tts-instruct-flash-realtime",
    "qwen3-tts-vc-realtime",
    "qwen3-tts-vd-realtime",
)
ANYTHING = Coverage(hears=frozenset({"*"}), speaks=frozenset({"*"}))
NONCE = nonce_from(0x5EED_0F_D0C5_5A9E_77A1_B2C3)
SAMPLE: dict[str, Any] = {
    "speech_rate": 1.2,
    "pitch_rate": 1.2,
    "volume": 60,
    "bit_rate": 64,
    "instructions": "Calm and slow.",
    "optimize_instructions": True,
    "enable_tn": False,
}
"""A value of each option that not every family takes."""

UPDATE: dict[str, Any] = {
    "voice": "Serena",
    "mode": "commit",
    "language_type": "English",
    "response_format": "pcm",
    "sample_rate": 24_000,
    "speech_rate": 1.1,
}
RECOGNIZER = "qwen3-asr-flash-realtime"
SILENCE = "AAAA"
FOUND: tuple[ClientEvent, ...] = (
    SessionUpdate(
        event_id="event_1",
        session={
            "input_audio_format": "pcm",
            "sample_rate": 16_000,
            "input_audio_transcription": {"language": "en", "corpus": {"text": "Dragoman"}},
            "turn_detection": {"type": "server_vad", "threshold": 0.0, "silence_duration_ms": 400},
        },
    ),
    AudioAppend(event_id="event_2", audio=SILENCE),
    AudioAppend(event_id="event_3", audio=SILENCE),
    SessionFinish(event_id="event_4"),
)
PRESSED: tuple[ClientEvent, ...] = (
    SessionUpdate(event_id="event_1", session={"turn_detection": None}),
    AudioAppend(event_id="event_2", audio=SILENCE),
    AudioClear(event_id="event_3"),
    AudioAppend(event_id="event_4", audio=SILENCE),
    AudioCommit(event_id="event_5"),
    SessionFinish(event_id="event_6"),
)
COMMITS: tuple[ClientEvent, ...] = (
    SessionUpdate(event_id="event_1", session=UPDATE),
    tts.TextAppend(event_id="event_2", text="Your train leaves from platform eight. "),
    tts.TextClear(event_id="event_3"),
    tts.TextAppend(event_id="event_4", text="Your train leaves from platform nine."),
    tts.TextCommit(event_id="event_5"),
    SessionFinish(event_id="event_6"),
)
STREAMED: tuple[ClientEvent, ...] = (
    tts.TextAppend(text="Your train leaves at noon. It leaves from plat"),
    tts.TextAppend(text="form nine."),
    SessionFinish(),
)
CANCEL = ResponseCancel(event_id="event_7")
MISTAKE = SessionUpdate(event_id="event_8", session={"sample_rate": 11_025})
CLIENT_EXAMPLES = {str(type(e).__struct_config__.tag): e for e in (*COMMITS, CANCEL)}


# ---------------------------------------------------------------- sessions
class Talk:
    """A session with an engine that answers at once; ``frames`` is what the client gets."""

    def __init__(self, model: str = MODEL, *, piece_ms: int = 1200) -> None:
        self.piece_ms = piece_ms
        self.codec = lookup(model).api.codec
        self.session: BaseSession = make_session(lookup(model), Ids(NONCE), Limits(), ANYTHING)
        self.frames: list[str] = []
        self._take(self.session.open(0.0))

    def says(self, event: ClientEvent) -> None:
        """The client sends this, through the codec, and all that follows happens."""
        self._take(self.session.receive(self.codec.decode(self.codec.write(event)), 0.0))

    def _take(self, commands: list[Command]) -> None:
        waiting = list(commands)
        while waiting:
            command = waiting.pop(0)
            if isinstance(command, Send):
                self.frames.append(self.codec.encode(command.event, command.event_id))
            for report in self._reports(command):
                waiting += self.session.report(report, 0.0)

    def _reports(self, command: Command) -> Iterator[Report]:
        match command:
            case Push(job=job):
                yield Output(job, Voiced(hum(24 * self.piece_ms)))
                yield Output(job, Said())
            case End(job=job):
                yield Ended(job)
            case _:
                return


class Dictation(Talk):
    """Recognition: a turn lasts two appends, or until its commit."""

    def __init__(self) -> None:
        self._audio = self._turn = 0
        super().__init__(RECOGNIZER)

    def _reports(self, command: Command) -> Iterator[Report]:
        match command:
            case Push(job=job, item=Audio()):
                self._audio += 1
                if not self.is_manual and self._audio % 2:
                    self._turn += 1
                    yield Output(job, SpeechStarted(self._turn, 320))
                    yield Output(job, Heard(self._turn, "", "Your train", language="en"))
                elif not self.is_manual:
                    yield from self._end(job)
            case Push(job=job, item=EndTurn()) if self.is_manual:
                self._turn += 1
                yield Output(job, SpeechStarted(self._turn, 0))
                yield from self._end(job)
            case End(job=job):
                yield Ended(job)
            case _:
                return

    @property
    def is_manual(self) -> bool:
        """Whether the client ends the turns."""
        return bool(self.session.settings.manual)  # type: ignore[attr-defined]

    def _end(self, job: int) -> Iterator[Report]:
        yield Output(job, Heard(self._turn, "Your train leaves", " from", language="en"))
        yield Output(job, SpeechStopped(self._turn, 2320))
        whole = "Your train leaves from platform nine."
        yield Output(job, Heard(self._turn, whole, final=True, language="en"))
        yield Output(job, TurnDone(self._turn, 2000))


def hum(samples: int) -> bytes:
    """A 200 Hz triangle at 24 kHz, exact everywhere."""
    wave = (abs((n + 30) % 120 - 60) * 100 - 3000 for n in range(samples))
    return array("h", wave).tobytes()


@cache
def examples() -> dict[str, str]:
    """One frame for every event, by its type; the shortest, where there are several."""
    found = {kind: SYNTHESIS.codec.write(event) for kind, event in CLIENT_EXAMPLES.items()}
    long, short = Talk(), Talk(piece_ms=1)
    for event in COMMITS:
        long.says(event)
        short.says(event)
    long.says(MISTAKE)
    crumbs = [frame for frame in short.frames if '"response.audio.delta"' in frame]
    # Event ids of their own, or every frame would change with the number of deltas before it.
    ids = Ids(NONCE)
    spare = iter([ids.new("event") for _ in range(100)][50:])
    for frame in (*crumbs, *long.frames):
        kind = json.loads(frame)["type"]
        if kind not in found:
            found[kind] = re.sub(r"event_\w{21}", next(spare), frame, count=1)
    return found


# ---------------------------------------------------------------- what can be drawn
def example(kind: str) -> str:
    """The example frame, broken into lines for people."""
    return f"```json\n{broken(json.loads(examples()[kind]))}\n```"


def broken(value: Any, indent: str = "") -> str:
    """JSON with a line for each key where it would not fit into one."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(indent) + len(line) <= WIDTH:
        return line
    deeper = indent + "  "
    if isinstance(value, list):
        parts = [f"{deeper}{broken(entry, deeper)}" for entry in value]
        return "[\n" + ",\n".join(parts) + f"\n{indent}]"
    parts = [f"{deeper}{json.dumps(k)}: {broken(v, deeper)}" for k, v in value.items()]
    return "{\n" + ",\n".join(parts) + f"\n{indent}}}"


def errors(names: str) -> str:
    """Rows of ``docs/errors.md``; only those that bring an error or end the connection."""
    page = (DOCS / "errors.md").read_text(encoding="utf-8")
    rows = {match[1]: match[0] for match in ROW.finditer(page)}
    lines = ["| case | what happens | code | message | param |", "|---|---|---|---|---|"]
    for name in names.split():
        if name not in rows:
            sys.exit(f"docs/errors.md has no row {name!r}")
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", rows[name])[1:-1]]
        case, what, _, code, message, param, *_ = cells
        lines.append(f"| {case} | {what} | {code} | {message} | {param} |")
    return "\n".join(lines)


def order(mode: str) -> str:
    """Which events are exchanged in one mode."""
    talk, events = {
        "commit": (Talk(), COMMITS),
        "server_commit": (Talk(), STREAMED),
        "vad": (Dictation(), FOUND),
        "manual": (Dictation(), PRESSED),
    }[mode]
    link = named if isinstance(talk, Dictation) else linked
    greeting = told(talk.frames, link)
    lines = ["| the client sends | the server sends |", "|---|---|", f"| | {greeting} |"]
    for event in events:
        before = len(talk.frames)
        talk.says(event)
        kind = event.__struct_config__.tag
        lines.append(f"| {link(str(kind))} | {told(talk.frames[before:], link)} |")
    return "\n".join(lines)


def told(frames: list[str], link: Callable[[str], str]) -> str:
    """The types of these frames in a cell; audio deltas in a row count as one."""
    kinds: list[str] = []
    for frame in frames:
        kind = json.loads(frame)["type"]
        if not kinds or kinds[-1] != kind:
            kinds.append(kind)
    return "<br>".join(link(kind) for kind in kinds)


def linked(kind: str) -> str:
    """An event and its page."""
    return f"[`{kind}`]({kind}.md)"


def named(kind: str) -> str:
    """An event of recognition, whose events share a page."""
    return f"`{kind}`"


def bracket(api: str) -> str:
    """The legal order inside a response, from the table the session itself obeys."""
    lines = ["```text"]
    table = event_order.NEXT if api == "recognition" else NEXT
    for name, following in table.items():
        if name and following:
            names = ["itself" if later == name else later for later in following]
            lines.append(f"{name:<28} → {' or '.join(names)}")
    return "\n".join([*lines, "```"])


def models(_: str) -> str:
    """Which model takes which option, found by asking."""
    rows = ["| option | " + " | ".join(f"`{model}`" for model in MODELS) + " |"]
    rows.append("|---" * (len(MODELS) + 1) + "|")
    families = [lookup(model).family for model in MODELS]
    for name, values in {"response_format": FORMATS, "sample_rate": SAMPLE_RATES}.items():
        cells = [_range(family, name, values) for family in families]
        rows.append(f"| `{name}` | {' | '.join(cells)} |")
    for name, value in SAMPLE.items():
        cells = ["yes" if _takes(family, name, value) else "ignored" for family in families]
        rows.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(rows)


def _range(family: Any, name: str, values: tuple[Any, ...]) -> str:
    harsh = [value for value in values if _takes(family, name, value, strict=True)]
    if len(harsh) == len(values):
        return "all"
    return f"all; strict: {', '.join(f'`{value}`' for value in harsh)}"


def _takes(family: Any, name: str, value: Any, *, strict: bool = False) -> bool:
    """Whether this value is accepted and kept."""
    try:
        settings = family.merge(family.defaults(), {name: value}, ANYTHING, strict=strict)
    except fields.Invalid:
        return False
    return bool(getattr(settings, name) == value)


def frames(_: str) -> str:
    """An example of every event of recognition."""
    found: dict[str, str] = {}
    mistake = SessionUpdate(event_id="event_7", session={"sample_rate": 44_100})
    for talk, events in ((Dictation(), FOUND), (Dictation(), PRESSED)):
        for event in (*events[:1], mistake, *events[1:]):
            found.setdefault(f"{wire_name(type(event))} (client)", talk.codec.write(event))
            talk.says(event)
        for frame in talk.frames:
            found.setdefault(json.loads(frame)["type"], frame)
    return "\n\n".join(
        f"`{kind}`\n\n```json\n{broken(json.loads(frame))}\n```" for kind, frame in found.items()
    )


DRAWERS = {
    "frames": frames,
    "example": example,
    "errors": errors,
    "order": order,
    "bracket": bracket,
    "models": models,
}


# ---------------------------------------------------------------- the pages
def redrawn(page: str) -> str:
    """The page with everything in it drawn anew."""

    def draw(match: re.Match[str]) -> str:
        what, _, rest = match[2].partition(" ")
        return f"{match[1]}\n{DRAWERS[what](rest)}\n\n{match[3]}"

    return BLOCK.sub(draw, page)


def main() -> None:
    """Write the pages, or with ``--check`` say which are stale."""
    stale = []
    for path in (*sorted(FOLDER.glob("*.md")), RECOGNITION_PAGE):
        page = path.read_text(encoding="utf-8")
        fresh = redrawn(page)
        if fresh != page:
            stale.append(path.name)
            if "--check" not in sys.argv[1:]:
                path.write_text(fresh, encoding="utf-8")
    if stale and "--check" in sys.argv[1:]:
        sys.exit(f"stale, run scripts/draw_events.py: {', '.join(stale)}")


if __name__ == "__main__":
    main()
