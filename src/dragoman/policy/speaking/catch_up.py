"""How translated speech keeps up with a speaker: faster speech, shorter pauses, skipped pieces.

Scope: decisions over numbers. No text, no sound, no clock of its own. Written text is never
touched: speech may hurry and skip, text stays complete.

The *backlog* of a piece is how long after its commitment it will start to play, for a listener who
plays in real time what arrives (``ListenerBuffer``). With a voice that is slower than speech it
includes the wait for the voice, so one number serves both. By the backlog (``CatchUp``):

* Speech gets faster by 30 % for each second beyond half a second, up to
  ``InterpretationOptions.top_rate``. The rate changes only between pieces and in steps, and is 1
  again after a silence. Speech is never slower than the voice's own pace.
* Beyond one second the pauses between pieces are dropped; beyond three, a translator that can is
  asked for a terse wording (``is_terse``).
* Beyond ``InterpretationOptions.skip_after_s`` whole pieces are skipped, up to the next sentence. A
  sentence that has begun may run a little longer, then it is broken off between two clauses. A
  piece as long as the limit is no backlog while it plays, and nothing is skipped if that would only
  leave an audible gap.

A client may send a recording faster than real time. Its backlog is measured on ``SourceClock``: the
time at which live audio would have come that far.

Sources: rate control of translated speech, https://doi.org/10.21437/Interspeech.2022-10568; the
values are those of a simulation (``tests/policy/translation/talks.py``), its table is in
``docs/interpretation.md``.
"""

from __future__ import annotations

from collections import deque

import msgspec

from dragoman.speech import InterpretationOptions

GAIN_PER_S = 0.30
EASY_S = 0.5
"""A backlog that is wanted: it is the buffer that keeps speech without gaps."""
DROP_PAUSES_S = 1.0
TERSE_S = 3.0
BREAK_OFF_FACTOR = 1.1
"""A sentence that has begun is broken off at so many times the limit."""
_STEP_UP, _STEP_DOWN = 0.2, 0.1
_PIECES_KEPT = 32
_MOST_S = 3600.0


class SpeakingStyle(msgspec.Struct, frozen=True):
    """How a piece is to be spoken: ``rate`` times the voice's own pace, with ``pause`` times its
    usual silence behind it.
    """

    rate: float = 1.0
    pause: float = 1.0


def wanted_rate(backlog_s: float, top_rate: float) -> float:
    """The rate that the backlog asks for: 1 to ``top_rate``."""
    return min(max(1.0 + GAIN_PER_S * (backlog_s - EASY_S), 1.0), max(top_rate, 1.0))


def is_terse(backlog_s: float, options: InterpretationOptions) -> bool:
    """Whether the shortest wording is wanted; never if speech may neither hurry nor skip."""
    return backlog_s > TERSE_S and (options.top_rate > 1.0 or options.skip_after_s > 0)


class CatchUp:
    """The state of one session's voice: its rate, and whether it is skipping."""

    def __init__(self) -> None:
        self._rate = 1.0
        self._skipping = False

    def style(
        self,
        backlog_s: float,
        options: InterpretationOptions,
        *,
        begins: bool,
        playing_s: float = 0.0,
        idle: bool = False,
    ) -> SpeakingStyle | None:
        """How to speak the next piece; None: skip it.

        ``begins``: a sentence begins with it. ``playing_s``: the length of the longest piece that
        has not been played to its end. ``idle``: the listener's buffer runs empty and nothing newer
        waits, so that skipping would leave an audible gap.
        """
        backlog_s = min(max(backlog_s, 0.0), _MOST_S)
        if self._skips(backlog_s, options, begins=begins, playing_s=playing_s, idle=idle):
            return None
        top = max(options.top_rate, 1.0)
        wanted = wanted_rate(backlog_s, top)
        if backlog_s == 0.0:
            self._rate = 1.0
        else:
            self._rate = min(max(wanted, self._rate - _STEP_DOWN), self._rate + _STEP_UP, top)
        drops_pause = backlog_s > DROP_PAUSES_S and top > 1.0
        return SpeakingStyle(round(self._rate, 3), 0.0 if drops_pause else 1.0)

    def _skips(
        self,
        backlog_s: float,
        options: InterpretationOptions,
        *,
        begins: bool,
        playing_s: float,
        idle: bool,
    ) -> bool:
        limit_s = options.skip_after_s
        if options.policy == "turn":  # a whole sentence that plays is no backlog
            limit_s = max(limit_s, playing_s)
        if options.skip_after_s <= 0 or idle or backlog_s <= EASY_S:
            self._skipping = False
        elif begins:
            self._skipping = backlog_s > limit_s
        elif not self._skipping:
            self._skipping = backlog_s > limit_s * BREAK_OFF_FACTOR
        return self._skipping


class ListenerBuffer:
    """The playback buffer of a listener who plays in real time. Seconds, of any one clock."""

    def __init__(self) -> None:
        self.ends_s = float("-inf")
        """When all that arrived so far will have been played."""
        self._pieces: deque[tuple[float, float]] = deque(maxlen=_PIECES_KEPT)  # (end, length)

    def begin(self, now_s: float) -> float:
        """A new piece arrives; returns when it will start to play."""
        self._pieces.append((now_s, 0.0))
        return max(self.ends_s, now_s)

    def add(self, length_s: float, now_s: float) -> None:
        """More audio of the piece arrives."""
        self.ends_s = max(self.ends_s, now_s) + length_s
        _, length_before_s = self._pieces.pop() if self._pieces else (0.0, 0.0)
        self._pieces.append((self.ends_s, length_before_s + length_s))

    def queued_s(self, now_s: float) -> float:
        """For how long there is audio to play."""
        return max(0.0, self.ends_s - now_s)

    def longest_s(self, now_s: float) -> float:
        """The length of the longest piece that has not been played to its end (of the last 32)."""
        while self._pieces and self._pieces[0][0] <= now_s:
            self._pieces.popleft()
        return max((length_s for _, length_s in self._pieces), default=0.0)


class SourceClock:
    """The present, or the time at which live audio would have come this far: the later."""

    def __init__(self) -> None:
        self._at_s = float("-inf")
        self._taken_s = 0.0

    def at_s(self, now_s: float, taken_s: float) -> float:
        """``taken_s``: seconds of audio that the session took so far. Never goes back."""
        self._at_s = max(self._at_s + taken_s - self._taken_s, now_s)
        self._taken_s = taken_s
        return self._at_s


class SpeechPace:
    """How long a text is when spoken at the rate 1; learned from the voice that speaks."""

    _SPACED_S, _UNSPACED_S = 0.075, 0.19  # for each letter, until measured
    _WEIGHT = 0.2

    def __init__(self) -> None:
        self._voice: tuple[str, str] | None = None
        self._letter_s = self._SPACED_S

    def expected_s(self, text: str, language: str, voice: str, *, spaced: bool) -> float:
        """The expected length of the text."""
        if self._voice != (language, voice):
            self._voice = (language, voice)
            self._letter_s = self._SPACED_S if spaced else self._UNSPACED_S
        return letters(text) * self._letter_s

    def measure(self, text: str, length_s: float) -> None:
        """The text that was asked for last took this long (at rate 1)."""
        count = letters(text)
        if count and length_s > 0:
            # Short pieces are mostly pause, so they count less.
            weight = self._WEIGHT * min(1.0, count / 20)
            self._letter_s += weight * (length_s / count - self._letter_s)


def letters(text: str) -> int:
    """How many letters and digits there are: what takes time to say."""
    return sum(char.isalnum() for char in text)
