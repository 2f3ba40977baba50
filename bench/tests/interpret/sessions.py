"""Logs and scripts made by hand, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dragoman_bench.interpret.log import Log, sort
from dragoman_bench.interpret.script import Script, Segment, Span

ASR = "conversation.item.input_audio_transcription."
MT = "response.audio_transcript."


def sent(until_ms: int) -> list[dict[str, Any]]:
    """Chunks of 100 ms at the pace of a microphone, each 5 ms late."""
    kind = "input_audio_buffer.append"
    return [
        {"t": at + 5.0, "dir": "out", "type": kind, "audio_ms": float(at)}
        for at in range(100, until_ms + 1, 100)
    ]


def row(t: float, kind: str, **more: Any) -> dict[str, Any]:
    return {"t": t, "dir": "in", "type": kind} | more


def heard(t: float, text: str, stash: str = "", item: str = "i1") -> dict[str, Any]:
    return row(t, ASR + "text", item_id=item, text=text, stash=stash)


def said(t: float, text: str, stash: str = "", response: str = "r1") -> dict[str, Any]:
    return row(t, MT + "text", response_id=response, item_id="o1", text=text, stash=stash)


def voice(t: float, ms: float, response: str = "r1") -> dict[str, Any]:
    return row(t, "response.audio.delta", response_id=response, audio_ms=ms)


def created(t: float, response: str = "r1") -> dict[str, Any]:
    return row(t, "response.created", response_id=response)


def log(*rows: dict[str, Any], until_ms: int = 6000) -> Log:
    return sort(sorted([*sent(until_ms), *rows], key=lambda one: one["t"]))


def script(
    clauses: Iterable[tuple[str, float, float]],
    *,
    reference: str | None = "uno dos tres cuatro",
    language: str = "en",
    target: str = "es",
) -> Script:
    """One recording of six seconds; its clauses are (text, start, end)."""
    spans = [Span(text=text, start_ms=start, end_ms=end) for text, start, end in clauses]
    segment = Segment(
        id="made",
        start_ms=0.0,
        length_ms=6000.0,
        speech_start_ms=spans[0].start_ms,
        speech_end_ms=spans[-1].end_ms,
        transcript=" ".join(span.text for span in spans),
        clauses=spans,
        translations={} if reference is None else {target: reference},
    )
    return Script(
        name="made", language=language, target=target, segments=[segment], length_ms=6000.0
    )


# "one two, three four": each word a second from 1 s on. Nothing sounds in the last second.
SCRIPT = script([("one two,", 1000, 3000), ("three four", 3000, 5000)])
ROWS = [
    row(1200, "input_audio_buffer.speech_started", item_id="i1", audio_start_ms=1000),
    heard(1800, "", "one"),
    created(1801),
    heard(3300, "one two,", " tree"),
    said(3400, "", "un dos"),
    said(3500, "uno dos,"),
    voice(3700, 800),
    voice(3710, 200),
    heard(5100, "one two, three four"),
    said(5200, "uno dos, tres cuatro"),
    voice(5300, 1000),
    row(5600, "input_audio_buffer.speech_stopped", item_id="i1", audio_end_ms=5000),
    row(6100, "session.finished"),
]
