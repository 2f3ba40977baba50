"""How good the embedded engines are on real speech, and what doing it live costs.

Law of this file: nothing here is tuned to these recordings. Word error rate and chrF of what
clients receive at microphone pace, beside the same engines *offline*: the whole recording
recognised at once (in pieces where the model takes no more), each sentence translated whole. The
quotient of both is the retention: what is left of the quality when one does not wait.

What the measures are: ``dragoman_bench.text_metrics``; what offline is: ``dragoman_bench.offline``.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from dragoman_bench import loops
from dragoman_bench.figures import Figure, Part, ratio
from dragoman_bench.harness.pacer import Pacer
from dragoman_bench.harness.server_process import serving
from dragoman_bench.interpret.shown_text import Timeline
from dragoman_bench.judging import judge
from dragoman_bench.live import Live
from dragoman_bench.offline import all_interpreted
from dragoman_bench.recordings import RATE_HZ, Recording, all_english, read
from dragoman_bench.text_metrics import TextMetrics

TARGET = "es"
_AT_ONCE = 3
_QUICK = 4
_FINISH_S = 90.0


class Score(msgspec.Struct, kw_only=True):
    """One recording; texts as received, rates as fractions, chrF 0..100."""

    id: str
    transcript: str
    heard: str
    heard_offline: str
    wer: float
    wer_offline: float
    said: str
    said_offline: str
    reference: str | None
    chrf: float | None
    """Against the human translation, where there is one."""
    chrf_offline: float | None
    agreement: float
    """chrF of what was said live against what the same engines say offline."""


def measure(*, quick: bool, recordings: Path | None) -> Part:
    """Interpret every English recording at hand, live and offline."""
    judges = QualityJudges()
    chosen = all_english(recordings)[: _QUICK if quick else None]
    with serving() as subject:
        live = loops.run(_live(subject.port, chosen))
    offline = loops.run(_offline(chosen))
    scores = [
        judges.score(recording, live[recording.id], offline[recording.id]) for recording in chosen
    ]
    figures = judges.totals(scores)
    raw: dict[str, object] = {"recordings": msgspec.to_builtins(scores)}
    return Part(name="quality", figures=figures, raw=raw)


# ---------------------------------------------------------------- live and offline
async def _live(port: int, recordings: list[Recording]) -> dict[str, tuple[str, str]]:
    """What was heard and said of each recording, a few at a time, at microphone pace."""
    found: dict[str, tuple[str, str]] = {}
    wheel, room = Pacer(), asyncio.Semaphore(_AT_ONCE)

    async def one(recording: Recording) -> None:
        async with room:
            samples = await read(recording.path)
            session = await Live.open(port, samples, TARGET, speak=False)
            session.start(wheel, wheel.now_s)
            await session.finished(len(samples) / RATE_HZ + _FINISH_S)
        verdict = judge(session.rows, Timeline.of(samples, RATE_HZ))
        found[recording.id] = verdict.source_text, verdict.target_text

    await asyncio.gather(*(one(recording) for recording in recordings))
    return found


async def _offline(recordings: list[Recording]) -> dict[str, tuple[str, str]]:
    """The same of the engines alone, in this process."""
    samples = [(recording.id, await read(recording.path)) for recording in recordings]
    return await all_interpreted(samples, TARGET)


# ---------------------------------------------------------------- judges
class QualityJudges(TextMetrics):
    """The judges of this part."""

    def score(self, recording: Recording, live: tuple[str, str], off: tuple[str, str]) -> Score:
        """One recording, from (heard, said) live and offline."""
        reference = recording.translations.get(TARGET)
        return Score(
            id=recording.id,
            transcript=recording.transcript,
            heard=live[0],
            heard_offline=off[0],
            wer=self.wer([recording.transcript], [live[0]]),
            wer_offline=self.wer([recording.transcript], [off[0]]),
            said=live[1],
            said_offline=off[1],
            reference=reference,
            chrf=None if reference is None else self.chrf([live[1]], [reference]),
            chrf_offline=None if reference is None else self.chrf([off[1]], [reference]),
            agreement=self.chrf([live[1]], [off[1]]),
        )

    def totals(self, scores: list[Score]) -> list[Figure]:
        """The figures over all recordings, and both rates of each."""
        spoken = [score.transcript for score in scores]
        known = [score for score in scores if score.reference is not None]
        human = [score.reference or "" for score in known]
        chrf = self.chrf([s.said for s in known], human) if known else None
        offline = self.chrf([s.said_offline for s in known], human) if known else None
        live_to_offline = self.chrf([s.said for s in scores], [s.said_offline for s in scores])
        rows: list[tuple[str, float | None, str]] = [
            ("recordings", float(len(scores)), ""),
            ("WER live", 100 * self.wer(spoken, [s.heard for s in scores]), "%"),
            ("WER offline", 100 * self.wer(spoken, [s.heard_offline for s in scores]), "%"),
            ("chrF live, human reference", chrf, ""),
            ("chrF offline, human reference", offline, ""),
            ("retention (chrF live / offline)", _percent(ratio(chrf, offline)), "%"),
            ("chrF live against offline", live_to_offline, ""),
        ]
        for score in scores:
            rows += [
                (f"{score.id}: WER", 100 * score.wer, "%"),
                (f"{score.id}: chrF", score.chrf, ""),
            ]
        return [Figure(part="quality", name=n, value=v, unit=u) for n, v, u in rows]


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
