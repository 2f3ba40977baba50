"""When to look who is speaking, and what follows from it: speaker changes inside of turns.

Law of this file: pure; time is media time, counted in frames. ``hear`` takes frames and now and
then asks for a *look*: the vector of the voice in a stretch of the audio. ``saw`` takes the
answer. One look is asked for at a time, about one for a second of speech, and nothing depends on
how long an answer takes in wall time.

* A turn that opens after silence is *undecided* until its voice was recognised; the first voice
  of a session is 0 at once.
* While the voice is the turn's, every phrase is looked at once when it has a second of voice
  (shorter ones together), and an endless one every second, at its last 1.5 s. (Speakers change in
  pauses, nearly always; a stretch that begins behind a pause holds one voice and can be trusted
  sooner.)
* A look that does not show the turn's voice raises a *doubt*. All that was said since the pause
  before (or, inside a phrase, its quietest recent moment) is looked at again and again until it is
  certain who it is (``SpeakerTracker.successor``): the turn's voice after all, or another one. Then
  the short phrases before the longest one are *traced* one by one, latest first, as long as they
  are more like the new voice. The first of them is where the *change* lies.
* What is said while there is a doubt is better not published as the turn's (``doubt_ms``).
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
"""Less voice than this says nothing, at the end of a turn either."""
_TRACED_MS = 300
_MARKS_MS = (EARLY_MS, KNOWN_MS, SURE_MS, 2_500, LAST_MS)
"""Voice at which an open question is looked at again."""
_BACK_MS, _INSIDE_MS = 600, 500
"""Where a change inside of a phrase is looked for: from so much before the last look that showed
the turn's voice, to so much before now. With less of a new voice a look would not have shown it.
"""


class VoiceCheck(msgspec.Struct, frozen=True):
    """The voice between these two moments is asked for; so much of it is speech."""

    from_ms: int
    to_ms: int
    voiced_ms: int


class SpeakerChange(msgspec.Struct, frozen=True):
    """From this moment on, another one speaks."""

    at_ms: int
    speaker: int


class _Trace(msgspec.Struct):
    """A new voice whose first words are looked for. ``earlier``: phrases not yet looked at."""

    speaker: int
    at_ms: int
    earlier: list[int]


class ChangeDetector:
    """See the head of this file. ``pace`` stretches the time between looks, for busy machines."""

    def __init__(self) -> None:
        self.voices = SpeakerTracker()
        self.speaker: int | None = None
        """Who speaks in the open turn; None: not decided yet."""
        self.pace = 1.0
        self._last = 0  # who spoke last
        self._phrases = VoicedPhrases(0)
        self._begin_ms = 0  # of the turn, or of what is in doubt
        self._is_doubted = False
        self._unseen_ms = 0  # voice since the last look
        self._own_ms = 0  # until when it was certainly the turn's voice
        self._next_mark = 0
        self._asked: VoiceCheck | None = None
        self._trace: _Trace | None = None

    @property
    def doubt_ms(self) -> int | None:
        """Since when it may be somebody else; None: it is the turn's voice, for all we know."""
        if not self._is_doubted:
            return None
        since = self._phrases.begun_between(self._own_ms, self._begin_ms)
        return since[0] if since else self._begin_ms

    # ------------------------------------------------------------ turns
    def open(self, at_ms: int) -> None:
        """A turn begins; its frames follow, from ``at_ms`` on."""
        self.speaker = None if len(self.voices) else 0
        self._asked = self._trace = None
        self._is_doubted = False
        self._phrases = VoicedPhrases(at_ms)
        self._begin_ms = self._own_ms = at_ms
        self._unseen_ms = self._next_mark = 0

    def go_on(self) -> None:
        """The next turn begins within the same speech, by the same voice."""
        if self.speaker is None:
            self._settle(self._last)

    def close(self) -> VoiceCheck | None:
        """The turn is over. What is still open is decided now: by the look that this asks for
        (answer: ``conclude``) or, without one, at once.
        """
        self._asked = None
        if self.speaker is None or self._is_doubted:
            voiced_ms = self._phrases.voiced_ms(self._begin_ms)
            if voiced_ms >= (EARLY_MS if self._is_doubted else LEAST_MS):
                return self._ask(self._begin_ms)
        self.conclude(None)
        return None

    def conclude(self, vector: Vector | None) -> SpeakerChange | None:
        """The answer to the look that ``close`` asked for; None: there is none."""
        look, self._asked = self._asked, None
        if self._is_doubted and self.speaker is not None:
            change = None
            if vector is not None and vector.any() and look is not None:
                self._resolve(self.speaker, look, vector)
                change = self._changed()
            self._is_doubted = False
            return change
        found = None if vector is None else self.voices.compare(vector, None)
        if self.speaker is None:
            likely = found is not None and found.to_other >= FOREIGN
            other = found.other if found is not None and likely else None
            self._settle(self._last if other is None else other)
        return None

    # ------------------------------------------------------------ frames and looks
    def hear(
        self, at_ms: int, length_ms: int, *, is_voice: bool, level: float
    ) -> VoiceCheck | None:
        """The next frame of the open turn, ``level`` in dB of whatever; frames that were heard
        before are passed over. A look, when it is time for one and none is under way.
        """
        if not self._phrases.take(at_ms, length_ms, is_voice=is_voice, level=level):
            return None
        self._unseen_ms += length_ms if is_voice else 0
        if self._asked is not None:
            return None
        if self._trace is not None:
            return self._trace_back(self._trace)
        if not is_voice:
            return None
        if self.speaker is None or self._is_doubted:
            return self._open_question()
        if not len(self.voices):
            begin_ms = self._begin_ms
            return self._ask(begin_ms) if self._phrases.voiced_ms(begin_ms) >= SURE_MS else None
        return self._routine(at_ms + length_ms)

    def saw(self, vector: Vector) -> SpeakerChange | None:
        """The answer to the look. Zeros are none: no voice was found in it."""
        look, self._asked = self._asked, None
        if look is None:
            return None
        if self._trace is not None:
            return self._traced(self._trace, look, vector)
        if not vector.any():
            return None
        if self.speaker is None:
            found = self.voices.recognise(vector, look.voiced_ms)
            if found is not None:
                self._settle(found)
                self._own_ms = look.to_ms
            return None
        if not len(self.voices):
            self.voices.add(vector, look.voiced_ms)
            self._own_ms = look.to_ms
            return None
        if not self._is_doubted:
            self._check(self.speaker, look, vector)
        if self._is_doubted:
            self._resolve(self.speaker, look, vector)
        return self._changed() if self._trace is not None and not self._trace.earlier else None

    # ------------------------------------------------------------ when to look
    def _open_question(self) -> VoiceCheck | None:
        voiced_ms = self._phrases.voiced_ms(self._begin_ms)
        mark = _MARKS_MS[min(self._next_mark, len(_MARKS_MS) - 1)]
        return self._ask(self._begin_ms) if voiced_ms >= mark else None

    def _routine(self, now_ms: int) -> VoiceCheck | None:
        phrases = self._phrases
        is_due = self._unseen_ms >= EARLY_MS * self.pace
        if phrases.voiced >= EARLY_MS and (is_due or not phrases.is_seen):
            return self._ask(max(now_ms - WINDOW_MS, phrases.begin_ms))
        if is_due:  # phrases too short to say anything one by one
            since = phrases.begun_between(max(self._own_ms, now_ms - 2 * LAST_MS), now_ms)
            if since and phrases.voiced_ms(since[0]) >= EARLY_MS:
                return self._ask(since[0])
        return None

    def _ask(self, from_ms: int, to_ms: int | None = None) -> VoiceCheck:
        if to_ms is None:
            self._unseen_ms = 0
            to_ms = self._phrases.end_ms
            self._phrases.is_seen = self._phrases.voiced >= EARLY_MS
        voiced_ms = self._phrases.voiced_ms(from_ms, to_ms)
        self._next_mark = sum(voiced_ms >= mark for mark in _MARKS_MS)
        self._asked = VoiceCheck(from_ms, to_ms, voiced_ms)
        return self._asked

    # ------------------------------------------------------------ what follows
    def _settle(self, speaker: int) -> None:
        self.speaker = self._last = speaker
        self._is_doubted = False

    def _check(self, speaker: int, look: VoiceCheck, vector: Vector) -> None:
        if self.voices.still(speaker, vector, look.voiced_ms):
            self._own_ms = look.to_ms
            return
        phrases = self._phrases
        since = phrases.begun_between(max(self._own_ms, look.from_ms - 1), look.to_ms)
        if since:
            self._begin_ms = since[0]
        else:
            from_ms = max(self._own_ms - _BACK_MS, look.from_ms - WINDOW_MS)
            to_ms = look.to_ms - _INSIDE_MS
            begun = phrases.begun_between(from_ms, to_ms)
            quietest_ms = phrases.quietest_ms(from_ms, to_ms, look.from_ms)
            self._begin_ms = begun[-1] if begun else quietest_ms
        self._is_doubted = True
        self._next_mark = 0

    def _resolve(self, present: int, look: VoiceCheck, vector: Vector) -> None:
        found = self.voices.successor(present, vector, look.voiced_ms)
        if found == present:
            self._is_doubted = False
            self._own_ms = look.to_ms
        elif found is not None:
            self._trace = self._new_voice(found, look)
            self._own_ms = look.to_ms

    def _new_voice(self, speaker: int, look: VoiceCheck) -> _Trace:
        """The longest phrase since the turn's voice was seen last is certainly the new one's."""
        since = self._phrases.begun_between(self._own_ms, look.to_ms)
        if not since:
            return _Trace(speaker, self._begin_ms, [])
        ends = [*since[1:], look.to_ms]
        lengths = [self._phrases.voiced_ms(*ends_at) for ends_at in zip(since, ends, strict=True)]
        main = max(range(len(since)), key=lengths.__getitem__)
        return _Trace(speaker, since[main], since[:main])

    def _trace_back(self, trace: _Trace) -> VoiceCheck:
        return self._ask(trace.earlier[-1], trace.at_ms)

    def _traced(self, trace: _Trace, look: VoiceCheck, vector: Vector) -> SpeakerChange | None:
        present = self.speaker or 0
        likeness = self.voices.compare_two(vector, trace.speaker, present)
        if look.voiced_ms < _TRACED_MS or likeness[0] <= likeness[1]:
            return self._changed()
        trace.at_ms = trace.earlier.pop()
        return self._changed() if not trace.earlier else None

    def _changed(self) -> SpeakerChange | None:
        trace, self._trace = self._trace, None
        if trace is None:
            return None
        self._begin_ms = trace.at_ms
        self._settle(trace.speaker)
        return SpeakerChange(trace.at_ms, trace.speaker)
