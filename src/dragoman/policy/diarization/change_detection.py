"""When to check who is speaking, and speaker changes inside turns.

Scope: pure; time is media time, counted in frames. ``add_frame`` takes frames and now and then
returns a *check*: a stretch of audio whose voice vector is wanted. ``add_vector`` takes the answer.
One check is in flight at a time, about one for a second of speech, and no result depends on how
long an answer takes in wall time.

* A turn that opens after silence is *undecided* until its voice was recognised; the first voice of
  a session is 0 at once.
* While the voice is the turn's, every phrase is checked once when it has a second of voice (shorter
  ones together), and a phrase without end every second, at its last 1.5 s. Speakers nearly always
  change in pauses, and a stretch behind a pause has one voice only, so it can be trusted sooner.
* A check that does not show the turn's voice raises a *doubt*. All speech since the pause before
  (inside a phrase: since its quietest recent moment) is checked again until it is certain who
  speaks (``SpeakerTracker.successor``): the turn's voice after all, or another one. Then the short
  phrases before the longest one are *traced* one by one, latest first, as long as they are more
  like the new voice. The *change* is at the first of them.
* Words that are spoken during a doubt should not be published as the turn's (``doubt_ms``).
"""

from __future__ import annotations

import msgspec

from dragoman.policy.diarization.phrases import EARLY_MS, VoicedPhrases
from dragoman.policy.diarization.speaker_tracker import (
    FOREIGN,
    KNOWN_MS,
    LAST_MS,
    SURE_MS,
    SpeakerTracker,
    Vector,
)

WINDOW_MS = 1_500
LEAST_MS = 500
"""Less voice than this is no evidence, not even at the end of a turn."""
_TRACED_MS = 300
_CHECKPOINTS_MS = (EARLY_MS, KNOWN_MS, SURE_MS, 2_500, LAST_MS)
"""Amounts of voice at which an open question is checked again."""
_BACK_MS, _INSIDE_MS = 600, 500
"""Where a change inside a phrase is searched: from so much before the last check that showed the
turn's voice, to so much before now. A check cannot show less of a new voice.
"""


class VoiceCheck(msgspec.Struct, frozen=True):
    """The voice vector of this stretch is wanted; ``voiced_ms`` of it is speech."""

    from_ms: int
    to_ms: int
    voiced_ms: int


class SpeakerChange(msgspec.Struct, frozen=True):
    """From this time on, another speaker speaks."""

    at_ms: int
    speaker: int


class _Trace(msgspec.Struct):
    """A new voice whose first words are searched. ``earlier``: phrases not checked yet."""

    speaker: int
    at_ms: int
    earlier: list[int]


class ChangeDetector:
    """Finds speaker changes in one session. ``pace``: stretches the time between checks."""

    def __init__(self) -> None:
        self.tracker = SpeakerTracker()
        self.speaker: int | None = None
        """Who speaks in the open turn; None: not decided yet."""
        self.pace = 1.0
        self._last = 0  # who spoke last
        self._phrases = VoicedPhrases(0)
        self._begin_ms = 0  # of the turn, or of the doubt
        self._is_doubted = False
        self._unchecked_ms = 0  # voice since the last check
        self._confirmed_ms = 0  # until when the turn's voice was confirmed
        self._next_checkpoint = 0
        self._in_flight: VoiceCheck | None = None
        self._trace: _Trace | None = None

    @property
    def doubt_ms(self) -> int | None:
        """Since when another speaker may be speaking; None without a doubt."""
        if not self._is_doubted:
            return None
        since = self._phrases.begins_between(self._confirmed_ms, self._begin_ms)
        return since[0] if since else self._begin_ms

    # ------------------------------------------------------------ turns
    def open(self, at_ms: int) -> None:
        """A turn begins; its frames follow, from ``at_ms`` on."""
        self.speaker = None if len(self.tracker) else 0
        self._in_flight = self._trace = None
        self._is_doubted = False
        self._phrases = VoicedPhrases(at_ms)
        self._begin_ms = self._confirmed_ms = at_ms
        self._unchecked_ms = self._next_checkpoint = 0

    def go_on(self) -> None:
        """The next turn begins within the same speech, by the same voice."""
        if self.speaker is None:
            self._decide(self._last)

    def close(self) -> VoiceCheck | None:
        """The turn is over. Open questions are decided now: by the check that is returned (its
        answer goes to ``conclude``) or, without one, at once.
        """
        self._in_flight = None
        if self.speaker is None or self._is_doubted:
            voiced_ms = self._phrases.voiced_ms(self._begin_ms)
            if voiced_ms >= (EARLY_MS if self._is_doubted else LEAST_MS):
                return self._ask(self._begin_ms)
        self.conclude(None)
        return None

    def conclude(self, vector: Vector | None) -> SpeakerChange | None:
        """Take the vector that ``close`` wanted; None: there is none."""
        check, self._in_flight = self._in_flight, None
        if self._is_doubted and self.speaker is not None:
            change = None
            if vector is not None and vector.any() and check is not None:
                self._resolve(self.speaker, check, vector)
                change = self._changed()
            self._is_doubted = False
            return change
        found = None if vector is None else self.tracker.compare(vector, None)
        if self.speaker is None:
            likely = found is not None and found.to_other >= FOREIGN
            other = found.other if found is not None and likely else None
            self._decide(self._last if other is None else other)
        return None

    # ------------------------------------------------------------ frames and checks
    def add_frame(
        self, at_ms: int, length_ms: int, *, is_voice: bool, level: float
    ) -> VoiceCheck | None:
        """Take the next frame of the open turn; frames that were taken before are skipped. Returns
        a check when one is due and none is in flight. ``level``: in dB, of any reference.
        """
        if not self._phrases.add(at_ms, length_ms, is_voice=is_voice, level=level):
            return None
        self._unchecked_ms += length_ms if is_voice else 0
        if self._in_flight is not None:
            return None
        if self._trace is not None:
            return self._next_trace(self._trace)
        if not is_voice:
            return None
        if self.speaker is None or self._is_doubted:
            return self._open_question()
        if not len(self.tracker):
            begin_ms = self._begin_ms
            return self._ask(begin_ms) if self._phrases.voiced_ms(begin_ms) >= SURE_MS else None
        return self._routine(at_ms + length_ms)

    def add_vector(self, vector: Vector) -> SpeakerChange | None:
        """Take the vector of the check in flight; zeros if the encoder found no voice in it."""
        check, self._in_flight = self._in_flight, None
        if check is None:
            return None
        if self._trace is not None:
            return self._traced(self._trace, check, vector)
        if not vector.any():
            return None
        if self.speaker is None:
            found = self.tracker.recognise(vector, check.voiced_ms)
            if found is not None:
                self._decide(found)
                self._confirmed_ms = check.to_ms
            return None
        if not len(self.tracker):
            self.tracker.add(vector, check.voiced_ms)
            self._confirmed_ms = check.to_ms
            return None
        if not self._is_doubted:
            self._check(self.speaker, check, vector)
        if self._is_doubted:
            self._resolve(self.speaker, check, vector)
        return self._changed() if self._trace is not None and not self._trace.earlier else None

    # ------------------------------------------------------------ when to check
    def _open_question(self) -> VoiceCheck | None:
        voiced_ms = self._phrases.voiced_ms(self._begin_ms)
        checkpoint = _CHECKPOINTS_MS[min(self._next_checkpoint, len(_CHECKPOINTS_MS) - 1)]
        return self._ask(self._begin_ms) if voiced_ms >= checkpoint else None

    def _routine(self, now_ms: int) -> VoiceCheck | None:
        phrases = self._phrases
        is_due = self._unchecked_ms >= EARLY_MS * self.pace
        if phrases.voiced >= EARLY_MS and (is_due or not phrases.is_checked):
            return self._ask(max(now_ms - WINDOW_MS, phrases.begin_ms))
        if is_due:  # phrases that are too short one by one
            since = phrases.begins_between(max(self._confirmed_ms, now_ms - 2 * LAST_MS), now_ms)
            if since and phrases.voiced_ms(since[0]) >= EARLY_MS:
                return self._ask(since[0])
        return None

    def _ask(self, from_ms: int, to_ms: int | None = None) -> VoiceCheck:
        if to_ms is None:
            self._unchecked_ms = 0
            to_ms = self._phrases.end_ms
            self._phrases.is_checked = self._phrases.voiced >= EARLY_MS
        voiced_ms = self._phrases.voiced_ms(from_ms, to_ms)
        self._next_checkpoint = sum(voiced_ms >= at_ms for at_ms in _CHECKPOINTS_MS)
        self._in_flight = VoiceCheck(from_ms, to_ms, voiced_ms)
        return self._in_flight

    # ------------------------------------------------------------ decisions
    def _decide(self, speaker: int) -> None:
        self.speaker = self._last = speaker
        self._is_doubted = False

    def _check(self, speaker: int, check: VoiceCheck, vector: Vector) -> None:
        if self.tracker.confirms(speaker, vector, check.voiced_ms):
            self._confirmed_ms = check.to_ms
            return
        phrases = self._phrases
        since = phrases.begins_between(max(self._confirmed_ms, check.from_ms - 1), check.to_ms)
        if since:
            self._begin_ms = since[0]
        else:
            from_ms = max(self._confirmed_ms - _BACK_MS, check.from_ms - WINDOW_MS)
            to_ms = check.to_ms - _INSIDE_MS
            begins = phrases.begins_between(from_ms, to_ms)
            quietest_ms = phrases.quietest_ms(from_ms, to_ms, check.from_ms)
            self._begin_ms = begins[-1] if begins else quietest_ms
        self._is_doubted = True
        self._next_checkpoint = 0

    def _resolve(self, present: int, check: VoiceCheck, vector: Vector) -> None:
        found = self.tracker.successor(present, vector, check.voiced_ms)
        if found == present:
            self._is_doubted = False
            self._confirmed_ms = check.to_ms
        elif found is not None:
            self._trace = self._new_voice(found, check)
            self._confirmed_ms = check.to_ms

    def _new_voice(self, speaker: int, check: VoiceCheck) -> _Trace:
        """The longest phrase since the turn's voice was confirmed certainly has the new voice."""
        since = self._phrases.begins_between(self._confirmed_ms, check.to_ms)
        if not since:
            return _Trace(speaker, self._begin_ms, [])
        ends = [*since[1:], check.to_ms]
        lengths = [self._phrases.voiced_ms(*ends_at) for ends_at in zip(since, ends, strict=True)]
        main = max(range(len(since)), key=lengths.__getitem__)
        return _Trace(speaker, since[main], since[:main])

    def _next_trace(self, trace: _Trace) -> VoiceCheck:
        return self._ask(trace.earlier[-1], trace.at_ms)

    def _traced(self, trace: _Trace, check: VoiceCheck, vector: Vector) -> SpeakerChange | None:
        present = self.speaker or 0
        similarity = self.tracker.compare_two(vector, trace.speaker, present)
        if check.voiced_ms < _TRACED_MS or similarity[0] <= similarity[1]:
            return self._changed()
        trace.at_ms = trace.earlier.pop()
        return self._changed() if not trace.earlier else None

    def _changed(self) -> SpeakerChange | None:
        trace, self._trace = self._trace, None
        if trace is None:
            return None
        self._begin_ms = trace.at_ms
        self._decide(trace.speaker)
        return SpeakerChange(trace.at_ms, trace.speaker)
