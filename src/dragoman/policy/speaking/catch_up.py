"""How speech keeps up with a speaker whose words take longer in the other language.

Law of this file: pure decisions over numbers; no text, no sound, no clock of its own. What is
written is never touched by it: speech may hurry and leave out, text stays complete.

The *backlog* of a piece is how long after its commitment it will begin to be heard, for a listener
who plays in real time what comes: a sound begins when it arrives, or when the one before it is
over (``ListenerBuffer``). With a voice that is slower than speech it holds the waiting for the
voice as well, so one number serves both. By the backlog (``CatchUp``):

* speech gets faster by 30 % for each second beyond half a second, up to
  ``InterpretationOptions.top_rate``. The
  rate moves only between pieces and in steps, and is 1 again after a silence. Speech never gets
  slower than the voice's own pace: a slow speaker leaves silences.
* beyond one second the pauses between pieces go; beyond three, a translator that can is asked to
  be terse (``is_terse``).
* beyond ``InterpretationOptions.skip_after_s`` speech skips, whole pieces, up to the next sentence.
  A sentence
  that has begun is spoken on a little longer (a seventh more), then it is broken off between two
  clauses. A piece as long as the limit is no backlog while it plays, and nothing is skipped when
  skipping would only make a silence.

A client that sends a recording faster than speech is no listener in a hurry: ``SourceClock`` is
the time at which live audio would have got that far, and speech is measured by that.

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
"""A backlog that needs no hurry: it is the cushion that keeps speech without gaps."""
PAUSE_S = 1.0
TERSE_S = 3.0
BROKEN_OFF = 1.1
_FASTER, _SLOWER = 0.2, 0.1
_PLAYING = 32
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


def is_terse(backlog_s: float, conduct: InterpretationOptions) -> bool:
    """Whether the shortest wording is wanted (not if nothing may hurry the speech at all)."""
    return backlog_s > TERSE_S and (conduct.top_rate > 1.0 or conduct.skip_after_s > 0)


class CatchUp:
    """The state of one session's voice: its rate, and whether it is skipping."""

    def __init__(self) -> None:
        self._rate = 1.0
        self._skipping = False

    def manner(
        self,
        backlog_s: float,
        conduct: InterpretationOptions,
        *,
        begins: bool,
        playing_s: float = 0.0,
        idle: bool = False,
    ) -> SpeakingStyle | None:
        """How to speak the next piece; None: leave it out.

        ``begins``: a sentence begins with it. ``playing_s``: the length of the longest piece that
        is still to be heard. ``idle``: the listener will soon hear nothing and nothing newer waits.
        """
        backlog_s = min(max(backlog_s, 0.0), _MOST_S)
        if self._skips(backlog_s, conduct, begins=begins, playing_s=playing_s, idle=idle):
            return None
        top = max(conduct.top_rate, 1.0)
        wanted = wanted_rate(backlog_s, top)
        if backlog_s == 0.0:
            self._rate = 1.0
        else:
            self._rate = min(max(wanted, self._rate - _SLOWER), self._rate + _FASTER, top)
        squeezes = backlog_s > PAUSE_S and top > 1.0
        return SpeakingStyle(round(self._rate, 3), 0.0 if squeezes else 1.0)

    def _skips(
        self,
        backlog_s: float,
        conduct: InterpretationOptions,
        *,
        begins: bool,
        playing_s: float,
        idle: bool,
    ) -> bool:
        limit_s = conduct.skip_after_s
        if conduct.policy == "turn":  # whole sentences: one that plays is no backlog
            limit_s = max(limit_s, playing_s)
        if conduct.skip_after_s <= 0 or idle or backlog_s <= EASY_S:
            self._skipping = False
        elif begins:
            self._skipping = backlog_s > limit_s
        elif not self._skipping:
            self._skipping = backlog_s > limit_s * BROKEN_OFF
        return self._skipping


class ListenerBuffer:
    """What a listener who plays in real time has still to hear. Times in seconds, of any clock."""

    def __init__(self) -> None:
        self.ends_s = float("-inf")
        """When all that came so far will have been heard."""
        self._pieces: deque[tuple[float, float]] = deque(maxlen=_PLAYING)  # (end, length)

    def begin(self, now_s: float) -> float:
        """A new piece arrives; returns when it will begin to be heard."""
        self._pieces.append((now_s, 0.0))
        return max(self.ends_s, now_s)

    def hear(self, length_s: float, now_s: float) -> None:
        """More sound of the piece arrives."""
        self.ends_s = max(self.ends_s, now_s) + length_s
        _, length_before_s = self._pieces.pop() if self._pieces else (0.0, 0.0)
        self._pieces.append((self.ends_s, length_before_s + length_s))

    def waits_s(self, now_s: float) -> float:
        """For how long there is something to hear."""
        return max(0.0, self.ends_s - now_s)

    def longest_s(self, now_s: float) -> float:
        """The length of the longest piece that is not over (of the last 32)."""
        while self._pieces and self._pieces[0][0] <= now_s:
            self._pieces.popleft()
        return max((length_s for _, length_s in self._pieces), default=0.0)


class SourceClock:
    """The present, or the moment live audio would have got as far as was listened: the later."""

    def __init__(self) -> None:
        self._at_s = float("-inf")
        self._listened_s = 0.0

    def at_s(self, now_s: float, listened_s: float) -> float:
        """``listened_s``: seconds of audio taken in the session so far. Never goes back."""
        self._at_s = max(self._at_s + listened_s - self._listened_s, now_s)
        self._listened_s = listened_s
        return self._at_s


class SpeechPace:
    """How long text is when spoken at the rate 1, as measured with the voice that speaks."""

    _SPACED_S, _UNSPACED_S = 0.075, 0.19  # for each letter, before anything was measured
    _WEIGHT = 0.2

    def __init__(self) -> None:
        self._voice: tuple[str, str] | None = None
        self._letter_s = self._SPACED_S

    def seconds(self, text: str, language: str, voice: str, *, spaced: bool) -> float:
        """The expected length."""
        if self._voice != (language, voice):
            self._voice = (language, voice)
            self._letter_s = self._SPACED_S if spaced else self._UNSPACED_S
        return letters(text) * self._letter_s

    def measured(self, text: str, length_s: float) -> None:
        """The text, as it was asked for last, turned out so long (at rate 1)."""
        count = letters(text)
        if count and length_s > 0:
            # Short pieces are mostly pause: they tell little.
            weight = self._WEIGHT * min(1.0, count / 20)
            self._letter_s += weight * (length_s / count - self._letter_s)


def letters(text: str) -> int:
    """Letters and digits: what takes time to say."""
    return sum(char.isalnum() for char in text)
