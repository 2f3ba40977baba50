"""Target policies over recorded hypotheses, without audio, recogniser or server.

Scope: a simulation on one clock. It feeds a log (``policy.recognition.hypothesis_log``) to the
state machines that the server runs, in the order of the server: one call at a time, words that
arrive meanwhile wait in a mailbox, committed text is cut into pieces of speech. A call takes as
long as it really took, or a given time. The results are the text with times, and measures:

* LAAL in ms of committed text, each turn by itself (``dragoman_bench.interpret.text_lag``);
* flicker: words erased on the screen (text and stash) for each word of the final text;
* violations: how often committed text was not extended (has to be 0);
* calls, and source words that were sent to the translator, for each source word;
* pieces of speech, and how late after the source each word is spoken by a voice that needs 150 ms
  to begin and speaks 15 characters a second (median and 95th percentile).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

from dragoman.engines.base import Translation
from dragoman.policy.recognition.hypothesis_log import (
    Line,
    LoggedEnd,
    LoggedStart,
    LoggedWords,
    words_of,
)
from dragoman.policy.speaking.speech_chunks import SpeechChunks
from dragoman.policy.translation.commit_rules import Rule, TargetPolicy, chosen
from dragoman.policy.translation.flicker import DisplayThrottle, DraftStability
from dragoman.speech import PaceName, PolicyName, Word
from dragoman_bench.figures import median, quantile, ratio
from dragoman_bench.interpret.shown_text import Shown, arrivals, stability
from dragoman_bench.interpret.text_lag import laal

_CHARACTERS_PER_S = 15.0
_FIRST_SOUND_S = 0.15
_SENTENCES_KEPT = 2
_WEIGHT = 0.25

Translate = Callable[[Translation], str]


class ReplaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is replayed. ``call_s``: how long a call takes; None for as long as it really does."""

    policy: PolicyName = "auto"
    pace: PaceName = "even"
    source: str = "en"
    target: str = "es"
    call_s: float | None = None
    forces_prefix: bool = False


class TurnTrace(msgspec.Struct):
    """The simulated course of one turn. Times are on the log's clock."""

    turn: int
    begin_ms: int = 0
    end_ms: int = 0
    source_words: int = 0
    shown: list[Shown] = []
    spoken: list[tuple[float, str]] = []
    lags_s: list[float] = []
    calls: int = 0
    words_sent: int = 0

    @property
    def text(self) -> str:
        """The committed text at the end."""
        return self.shown[-1].text if self.shown else ""


class ReplayTotals(msgspec.Struct, frozen=True, kw_only=True):
    """The measures of one or more logs; None where nothing could be measured."""

    laal_ms: float | None
    first_ms: float | None
    flicker: float
    violations: int
    calls_per_word: float
    words_sent_per_word: float
    pieces: int
    voice_lag_s: float | None
    voice_lag_p95_s: float | None
    text: str


class Replay:
    """One log under one policy."""

    def __init__(self, settings: ReplaySettings, translate: Translate) -> None:
        self._settings = settings
        self._translate = translate
        self._clock_s = 0.0
        self._stability = DraftStability()
        self._voice_free_s = 0.0
        self._cost_s: float | None = settings.call_s
        self._before: list[tuple[str, str]] = []

    def run(self, lines: Iterable[Line]) -> list[TurnTrace]:
        """All turns of the log, one after the other."""
        said: dict[int, list[LoggedWords]] = {}
        traces: dict[int, TurnTrace] = {}
        for line in lines:
            trace = traces.setdefault(line.turn, TurnTrace(line.turn))
            match line:
                case LoggedStart():
                    trace.begin_ms = line.begin_ms
                case LoggedEnd():
                    trace.end_ms = line.end_ms
                case LoggedWords():
                    said.setdefault(line.turn, []).append(line)
        for turn in sorted(said):
            self._turn(traces[turn], said[turn])
        return [traces[turn] for turn in sorted(traces)]

    def _turn(self, trace: TurnTrace, said: Sequence[LoggedWords]) -> None:
        s = self._settings
        source = next((line.source for line in said if line.source), None) or s.source
        rule = chosen(s.policy, source, s.target, None, forces_prefix=False)
        policy = TargetPolicy(rule, source, s.target, pace=s.pace, stability=self._stability)
        throttle, chunks = DisplayThrottle(), SpeechChunks(s.target)
        taken = -1
        while True:
            taken = self._take(policy, said, taken)
            policy.switch(self._rule(source, policy.rule))
            self._speak(trace, chunks.take_due(self._clock_s, busy=self._busy))
            ask = policy.due(self._clock_s, self._cost_s)
            if ask is not None:
                answer = self._call(trace, ask.source, ask.prefix, source)
                taken = self._take(policy, said, taken)
                step = policy.answer(ask, answer)
                if step.pair is not None:
                    self._before = [*self._before, step.pair][-_SENTENCES_KEPT:]
                self._show(trace, throttle, policy)
                self._speak(trace, chunks.add(step.addition, self._clock_s, ends=step.ends))
                continue
            self._show(trace, throttle, policy)
            if taken == len(said) - 1 and policy.finished:
                break
            moments = [policy.next_s(self._cost_s), throttle.due_s, self._next_speech_s(chunks)]
            if taken + 1 < len(said):
                moments.append(said[taken + 1].t)
            due_s = min((moment for moment in moments if moment is not None), default=None)
            if due_s is None:  # the log breaks off inside the turn
                break
            self._clock_s = max(self._clock_s, due_s) + 1e-6
        self._speak(trace, chunks.flush())
        trace.shown.append(Shown(self._clock_s * 1000, policy.text))
        self._lags(trace, words_of(said[-1].words))

    def _rule(self, source: str, now: Rule) -> Rule:
        s = self._settings
        forces = s.forces_prefix
        return chosen(s.policy, source, s.target, self._cost_s, forces_prefix=forces, now=now)

    def _take(self, policy: TargetPolicy, said: Sequence[LoggedWords], taken: int) -> int:
        """Give the policy the newest words that have arrived; the mailbox keeps no older ones."""
        last, paused = taken, False
        while last + 1 < len(said) and (said[last + 1].t <= self._clock_s or taken < 0):
            last += 1
            paused = paused or said[last].paused
            self._clock_s = max(self._clock_s, said[last].t)
            if taken < 0:
                break
        if last > taken:
            line = said[last]
            policy.update(
                words_of(line.words), words_of(line.tail),
                paused=paused, final=line.final, now_s=self._clock_s,
            )  # fmt: skip
        return last

    def _call(self, trace: TurnTrace, text: str, prefix: str, source: str) -> str:
        target = self._settings.target
        if source == target:
            return text
        request = Translation(text, source, target, before=tuple(self._before), prefix=prefix)
        began_s = time.perf_counter()
        answer = self._translate(request)
        took_s = time.perf_counter() - began_s
        if self._settings.call_s is not None:
            took_s = self._settings.call_s
        before_s = took_s if self._cost_s is None else self._cost_s
        self._cost_s = before_s + _WEIGHT * (took_s - before_s)
        self._clock_s += took_s
        trace.calls += 1
        trace.words_sent += len(text.split())
        return answer

    def _show(self, trace: TurnTrace, throttle: DisplayThrottle, policy: TargetPolicy) -> None:
        shown = throttle.show(policy.text, policy.stash, self._clock_s)
        if shown is not None:
            trace.shown.append(Shown(self._clock_s * 1000, *shown))

    # ------------------------------------------------------------ speech
    @property
    def _busy(self) -> bool:
        return self._voice_free_s > self._clock_s

    def _next_speech_s(self, chunks: SpeechChunks) -> float | None:
        return None if chunks.due_s is None else max(chunks.due_s, self._voice_free_s)

    def _speak(self, trace: TurnTrace, pieces: Sequence[str]) -> None:
        for piece in pieces:
            begin_s = max(self._voice_free_s, self._clock_s + _FIRST_SOUND_S)
            self._voice_free_s = begin_s + len(piece) / _CHARACTERS_PER_S
            trace.spoken.append((begin_s, piece))

    def _lags(self, trace: TurnTrace, words: Sequence[Word]) -> None:
        """How late each word is spoken after its word of the source; which one that is follows from
        its share of the text.
        """
        trace.source_words = len(words)
        whole, passed = sum(len(piece) for _, piece in trace.spoken), 0
        timed = bool(words) and all(word.start_ms is not None for word in words)
        for begin_s, piece in trace.spoken:
            for match in re.finditer(r"\S+", piece):
                share = (passed + match.end()) / whole
                said_ms = trace.begin_ms + share * (trace.end_ms - trace.begin_ms)
                if timed:
                    said_ms = words[max(0, round(share * len(words)) - 1)].end_ms or said_ms
                spoken_s = begin_s + match.start() / _CHARACTERS_PER_S
                trace.lags_s.append(spoken_s - said_ms / 1000)
            passed += len(piece)


def totals(traces: Sequence[TurnTrace]) -> ReplayTotals:
    """The measures over these turns."""
    weighted: list[tuple[float, int]] = []
    for trace in traces:
        delays = [at_ms - trace.begin_ms for at_ms in arrivals(trace.shown)]
        value = laal(delays, trace.end_ms - trace.begin_ms, len(delays))
        if value is not None:
            weighted.append((value, len(delays)))
    firsts = [
        next(shown.at_ms for shown in trace.shown if shown.text) - trace.begin_ms
        for trace in traces
        if trace.text
    ]
    display = stability([trace.shown for trace in traces], str.split)
    words = max(sum(trace.source_words for trace in traces), 1)
    lags = [lag for trace in traces for lag in trace.lags_s]
    words_lagged = sum(count for _, count in weighted)
    return ReplayTotals(
        laal_ms=ratio(sum(value * count for value, count in weighted), words_lagged),
        first_ms=median(firsts),
        flicker=display.erased / max(display.shown, 1),
        violations=display.violations,
        calls_per_word=sum(trace.calls for trace in traces) / words,
        words_sent_per_word=sum(trace.words_sent for trace in traces) / words,
        pieces=sum(len(trace.spoken) for trace in traces),
        voice_lag_s=median(lags),
        voice_lag_p95_s=quantile(lags, 0.95),
        text=" ".join(trace.text for trace in traces if trace.text),
    )
