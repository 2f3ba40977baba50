"""Who speaks: the speaker of each turn, and the moments at which the speaker changes.

Law of this file: a session's frames in, speakers and changes out.
``policy.diarization.change_detection`` decides when to look at which stretch of audio; here the
stretch is kept, and turned into a vector where the speaker engine lives, at most one at a time.
Nobody waits for that: an answer is taken ``ANSWER_MS`` of media time after its question, so what is
found does not depend on the machine or on how the client cuts its audio, unless the machine is too
slow (then the watch looks less often).

How ``RecognitionStage`` uses it, in sessions that ask for it (``Interpret.by_speaker``) on servers
that have such an engine (``EngineSet.speakers``); else there is no ``Diarizer`` and every speaker
is 0:

    diarizing.open(at_ms)              a turn opens after silence (or by a commit)
    change = await diarizing.hear(*f)  every frame that the turn gets, before it gets it
    diarizing.speaker                  None: hold ``SpeechStarted`` and all that follows it back
    diarizing.doubt_ms                 words behind this may be another one's: hold them back
    change                             end the turn at ``change.at_ms``; the rest of the audio is
                                       the next turn's, of ``change.speaker``
    diarizing.go_on()                  another cut inside of speech: a turn of the same voice
    change = await diarizing.close()   before a turn ends: ``speaker`` is decided behind it
    diarizing.abandon()                the session ends

A failing engine ends the telling apart, not the session: all goes on with the last speaker.
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
VOICE = 0.5
"""Probability of speech from which on a frame counts as voice."""
_EASY_S, _SLOWEST = 0.15, 4.0
"""A look that takes longer makes the next ones rarer, down to one for every four seconds."""


class _Piece(NamedTuple):
    at_ms: int
    samples: Samples


class Diarizer:
    """See the head of this file. Everything is called from one task."""

    def __init__(self, host: EngineHost) -> None:
        self._host = host
        self._watch = ChangeDetector()
        self._frames: deque[_Piece] = deque()
        self._answer: asyncio.Task[Samples] | None = None
        self._due_ms = 0
        self._broken = False

    @property
    def speaker(self) -> int | None:
        """Who speaks in the open turn; None while that is not decided."""
        return self._watch.speaker

    @property
    def doubt_ms(self) -> int | None:
        """From when on it may be somebody else who speaks; None: from nowhere on."""
        return self._watch.doubt_ms

    def open(self, at_ms: int) -> None:
        """A turn opens."""
        self._forget()
        self._watch.open(at_ms)
        if self._broken:
            self._watch.go_on()

    def go_on(self) -> None:
        """The next turn begins without a pause, by the same voice."""
        self._watch.go_on()

    async def hear(self, at_ms: int, samples: Samples, probability: float) -> SpeakerChange | None:
        """The next frame of the turn: where it begins, 16 kHz audio, whether it is speech. Frames
        that were heard before are passed over.
        """
        change = None
        if self._answer is not None and at_ms >= self._due_ms:
            vector = await self._take()
            change = None if vector is None else self._watch.saw(vector)
        if self._broken:
            return None
        self._keep(_Piece(at_ms, samples))
        length_ms, is_voice = len(samples) // _PER_MS, probability >= VOICE
        look = self._watch.hear(at_ms, length_ms, is_voice=is_voice, level=_level(samples))
        if look is not None:
            self._look(look)
            self._due_ms = look.to_ms + ANSWER_MS
        return change

    async def close(self) -> SpeakerChange | None:
        """The turn is over: ``speaker`` is not None behind this. A change that is only certain
        now is returned; ``speaker`` is the one behind it.
        """
        vector = await self._take()
        change = None if vector is None else self._watch.saw(vector)
        look = self._watch.close()
        if look is None or change is not None:
            return change
        self._look(look)
        return self._watch.conclude(await self._take())

    def abandon(self) -> None:
        """The session is over."""
        self._forget()

    # ------------------------------------------------------------ inside
    def _keep(self, frame: _Piece) -> None:
        if self._frames and frame.at_ms <= self._frames[-1].at_ms:
            return
        self._frames.append(frame)
        while self._frames[0].at_ms < frame.at_ms - KEPT_MS:
            self._frames.popleft()

    def _look(self, look: VoiceCheck) -> None:
        pieces = [f.samples for f in self._frames if look.from_ms <= f.at_ms < look.to_ms]
        samples = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
        self._answer = asyncio.ensure_future(self._encode(samples))

    async def _encode(self, samples: Samples) -> Samples:
        began_s = time.monotonic()
        vector = await self._host.call(EncodeVoice(samples.tobytes()))
        assert isinstance(vector, VoiceVector)
        took_s = time.monotonic() - began_s
        self._watch.pace = min(_SLOWEST, max(1.0, took_s / _EASY_S))
        return np.frombuffer(vector.values, np.float32)

    async def _take(self) -> Samples | None:
        answer, self._answer = self._answer, None
        if answer is None:
            return None
        try:
            return await answer
        except EngineFailed as failure:
            LOG.warning("speakers are not told apart any more in this session: %s", failure)
            self._broken = True
            self._watch.go_on()
            return None

    def _forget(self) -> None:
        if self._answer is not None:
            self._answer.cancel()
            self._answer = None
        self._frames.clear()


def _level(samples: Samples) -> float:
    """The loudness of a frame in dBFS."""
    power = float(np.dot(samples, samples)) / max(1, len(samples))
    return 10 * float(np.log10(max(power, 1e-12)))
