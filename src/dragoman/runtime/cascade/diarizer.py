"""Who speaks: the speaker of each turn, and the moments at which the speaker changes.

Scope: a session's frames in, speakers and changes out.
``policy.diarization.change_detection`` decides when to check which stretch of audio; here the
stretch is kept, and turned into a vector where the speaker engine lives, at most one at a time.
Nobody waits for that: an answer is taken ``ANSWER_MS`` of media time after its question, so what is
found does not depend on the machine or on how the client cuts its audio, unless the machine is too
slow (then voices are checked less often).

The recognition stage uses it in sessions that ask for it (``Interpret.by_speaker``) on servers that
have such an engine; else there is no ``Diarizer`` and every speaker is 0:

    diarizer.open(at_ms)               a turn opens after silence (or by a commit)
    change = await diarizer.feed(*f)   every frame of the turn, before the decoder gets it
    diarizer.speaker                   None: hold ``SpeechStarted`` and all that follows it back
    diarizer.doubt_ms                  words behind this may be another one's: hold them back
    change                             end the turn at ``change.at_ms``; the rest of the audio is
                                       the next turn's, of ``change.speaker``
    diarizer.go_on()                   another cut inside speech: a turn of the same voice
    change = await diarizer.close()    before a turn ends: ``speaker`` is decided behind it
    diarizer.abandon()                 the session ends

If the engine fails, the session goes on without changes, with the last speaker.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import NamedTuple

import numpy as np

from dragoman.engines.base import Samples
from dragoman.policy.diarization.change_detection import ChangeDetector, SpeakerChange, VoiceCheck
from dragoman.policy.diarization.phrases import KEPT_MS
from dragoman.runtime.hosts.host import EngineFailed, EngineHost
from dragoman.runtime.hosts.requests import EncodeVoice, VoiceVector
from dragoman.speech import HEARING_RATE_HZ

LOG = logging.getLogger("dragoman.session")

_PER_MS = HEARING_RATE_HZ // 1000
ANSWER_MS = 200
_VOICE_PROBABILITY = 0.5
"""Probability of speech from which on a frame counts as voice."""
_EASY_S, _SLOWEST = 0.15, 4.0
"""A check that takes longer makes the next ones rarer, down to one every four seconds."""


class _KeptAudio(NamedTuple):
    at_ms: int
    samples: Samples


class Diarizer:
    """The voices of one session. Everything is called from one task."""

    def __init__(self, host: EngineHost) -> None:
        self._host = host
        self._detector = ChangeDetector()
        self._kept: deque[_KeptAudio] = deque()
        self._check: asyncio.Task[Samples] | None = None
        self._due_ms = 0
        self._broken = False

    @property
    def speaker(self) -> int | None:
        """Who speaks in the open turn; None while that is not decided."""
        return self._detector.speaker

    @property
    def doubt_ms(self) -> int | None:
        """From when on it may be somebody else who speaks; None: from nowhere on."""
        return self._detector.doubt_ms

    def open(self, at_ms: int) -> None:
        """A turn opens."""
        self.abandon()
        self._detector.open(at_ms)
        if self._broken:
            self._detector.go_on()

    def go_on(self) -> None:
        """The next turn begins without a pause, by the same voice."""
        self._detector.go_on()

    async def feed(self, at_ms: int, samples: Samples, probability: float) -> SpeakerChange | None:
        """The next frame of the turn: where it begins, 16 kHz audio, whether it is speech. Frames
        that came before are passed over.
        """
        change = None
        if self._check is not None and at_ms >= self._due_ms:
            vector = await self._vector()
            change = None if vector is None else self._detector.add_vector(vector)
        if self._broken:
            return None
        self._keep(_KeptAudio(at_ms, samples))
        length_ms, level = len(samples) // _PER_MS, _level_dbfs(samples)
        is_voice = probability >= _VOICE_PROBABILITY
        check = self._detector.add_frame(at_ms, length_ms, is_voice=is_voice, level=level)
        if check is not None:
            self._start(check)
            self._due_ms = check.to_ms + ANSWER_MS
        return change

    async def close(self) -> SpeakerChange | None:
        """The turn is over: ``speaker`` is not None behind this. A change that is only certain
        now is returned; ``speaker`` is the one behind it.
        """
        vector = await self._vector()
        change = None if vector is None else self._detector.add_vector(vector)
        check = self._detector.close()
        if check is None or change is not None:
            return change
        self._start(check)
        return self._detector.conclude(await self._vector())

    def abandon(self) -> None:
        """Give up the check that is under way, and the audio."""
        if self._check is not None:
            self._check.cancel()
            self._check = None
        self._kept.clear()

    # ------------------------------------------------------------ inside
    def _keep(self, audio: _KeptAudio) -> None:
        if self._kept and audio.at_ms <= self._kept[-1].at_ms:
            return
        self._kept.append(audio)
        while self._kept[0].at_ms < audio.at_ms - KEPT_MS:
            self._kept.popleft()

    def _start(self, check: VoiceCheck) -> None:
        pieces = [a.samples for a in self._kept if check.from_ms <= a.at_ms < check.to_ms]
        samples = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
        self._check = asyncio.ensure_future(self._encode(samples))

    async def _encode(self, samples: Samples) -> Samples:
        began_s = time.monotonic()
        vector = await self._host.call(EncodeVoice(samples.tobytes()))
        assert isinstance(vector, VoiceVector)
        took_s = time.monotonic() - began_s
        self._detector.pace = min(_SLOWEST, max(1.0, took_s / _EASY_S))
        return np.frombuffer(vector.values, np.float32)

    async def _vector(self) -> Samples | None:
        """The answer of the check that is under way, if one is."""
        check, self._check = self._check, None
        if check is None:
            return None
        try:
            return await check
        except EngineFailed as failure:
            LOG.warning("speakers are not told apart any more in this session: %s", failure)
            self._broken = True
            self._detector.go_on()
            return None


def _level_dbfs(samples: Samples) -> float:
    """The loudness of a frame."""
    power = float(np.dot(samples, samples)) / max(1, len(samples))
    return 10 * float(np.log10(max(power, 1e-12)))
