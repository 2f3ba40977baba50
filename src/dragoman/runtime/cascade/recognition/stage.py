"""First stage of the cascade: a session's audio to turns of committed words.

Scope: the inputs, in their order. Audio is taken frame by frame, and an endpoint is acted on before
the next frame is looked at, so a turn's words come from exactly its audio, however fast or slow the
client sends. While the speaker pauses nothing is decoded: what is held back is committed at the
soft pause. ``turn_finder`` says where speech begins and ends, ``turns`` decodes it.

Media time is counted in received samples.
"""

from __future__ import annotations

import asyncio

from dragoman.policy.recognition.endpointing import EndpointEvent, EndpointKind
from dragoman.runtime.capacity import Speaker
from dragoman.runtime.cascade.image_reader import ImageReader
from dragoman.runtime.cascade.recent_audio import RecentAudio
from dragoman.runtime.cascade.recognition.turn import TurnPublisher
from dragoman.runtime.cascade.recognition.turn_finder import TurnFinder
from dragoman.runtime.cascade.recognition.turn_opener import TurnOpener
from dragoman.runtime.cascade.recognition.turns import TurnSequence
from dragoman.runtime.cascade.vad_frames import VadFrame, VadFramer
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.engine_set import EngineSet
from dragoman.speech import HEARING_RATE_HZ, Audio, Clear, EndTurn, Image, Interpret

_PER_MS = HEARING_RATE_HZ // 1000
_MOST_AUDIO_S = 1
"""Audio that has piled up is taken in lumps of at most this: fewer hops between threads."""


class RecognitionStage:
    """The stage of one session: give it to one task, with the inbox of the job."""

    def __init__(
        self,
        task: Interpret,
        engines: EngineSet,
        publisher: TurnPublisher,
        images: ImageReader,
        speaker: Speaker,
        *,
        recent: RecentAudio | None = None,
    ) -> None:
        self._settings = task
        self._engines = engines
        self._recent = recent
        frame_samples = engines.detector_engine.frame_samples
        self._framer = VadFramer(engines.detector, frame_samples, task.rate_in)
        self._finder = TurnFinder(task.endpointing, self._framer.frame_ms)
        self._opener = TurnOpener(task, engines, images.terms, speaker)
        self._turns = TurnSequence(self._finder, self._opener, publisher)
        self._publisher = publisher
        self._images = images
        self._speaker = speaker
        self._received = 0  # samples as they came in
        self._keep_audio(task)

    async def run(self, inbox: Inbox) -> None:
        """Until the input ends; then the open turn is closed. Raises ``EngineFailed`` when the
        recogniser keeps failing.
        """
        self._speaker.hears(lambda: inbox.arrived_s, lambda: inbox.queued_s + self._waiting_s())
        try:
            while (item := await self._next(inbox)) is not None:
                match item:
                    case Audio():
                        await self._audio(self._take_piled_up(item, inbox))
                        self._measure(inbox)
                        if inbox.peek() is not None:
                            await asyncio.sleep(0)  # a backlog must not hold up other sessions
                    case Interpret():
                        self._configure(item)
                    case EndTurn():
                        await self._end_turn(manual=self._settings.endpointing is None)
                    case Clear():
                        await self._turns.clear()
                        self._finder.skip(self._framer.forget())
                    case Image(data=data):
                        self._images.show(data)
            await self._end_turn()
            self._publisher.end()
        finally:
            self._framer.abort()
            self._turns.abandon()

    async def _next(self, inbox: Inbox) -> object | None:
        """The next input. A decode that comes back before it is published at once."""
        while (turn := self._turns.current) is not None:
            flight = turn.decoder.in_flight
            if flight is None:
                break
            await inbox.arrival_or(flight)
            if inbox.peek() is not None or not flight.done():
                break
            await self._turns.take_result()
        return await inbox.get()

    def _take_piled_up(self, first: Audio, inbox: Inbox) -> list[Audio]:
        rate_hz = self._settings.rate_in
        parts, size = [first], first.size(rate_hz)
        while size < rate_hz * 2 * _MOST_AUDIO_S and isinstance(waiting := inbox.peek(), Audio):
            inbox.get_now()
            parts.append(waiting)
            size += waiting.size(rate_hz)
        self._received += size // 2
        return parts

    def _measure(self, inbox: Inbox) -> None:
        turn = self._turns.current
        if turn is not None:
            turn.decoder.lag.queued_ms = int(inbox.queued_s * 1000)

    def _waiting_s(self) -> float:
        turn = self._turns.current
        return 0.0 if turn is None else turn.decoder.lag.waiting_ms / 1000

    def _configure(self, settings: Interpret) -> None:
        self._framer.set_rate(settings.rate_in)
        received_ms = self._received * 1000 // self._settings.rate_in
        self._settings = settings
        self._keep_audio(settings)
        self._opener.configure(settings, received_ms)
        if self._turns.current is None:
            self._finder.configure(settings.endpointing)

    def _keep_audio(self, settings: Interpret) -> None:
        """Keep it from now on if a translator of the direction wants it."""
        if self._recent is not None and settings.target:
            wanted = self._engines.translates_speech(settings.source, settings.target)
            self._recent.is_wanted = self._recent.is_wanted or wanted

    async def _audio(self, audio: list[Audio]) -> None:
        turns, finder = self._turns, self._finder
        for samples, probability in await self._framer.feed(audio):
            if self._recent is not None:
                self._recent.append(finder.now_ms, samples)
            if turns.current is None and self._settings.endpointing is None:
                await turns.open(finder.now_ms)
            frame, event = finder.feed(samples, probability)
            if frame is not None and not turns.buffer(frame):
                await turns.feed(frame)
            if event is not None:
                await self._act(event)
            elif turns.is_long():
                await turns.end_long()

    async def _act(self, event: EndpointEvent) -> None:
        match event.kind:
            case EndpointKind.ONSET if self._turns.current is None:
                await self._turns.open(event.at_ms)
            case EndpointKind.ONSET | EndpointKind.RESUME:
                await self._turns.resume(event.at_ms)
            case EndpointKind.PAUSE:
                await self._turns.pause(event.at_ms)
            case EndpointKind.OFFSET:
                await self._turns.close(event.at_ms)

    async def _end_turn(self, *, manual: bool = False) -> None:
        """The turn ends with the audio that is here. A manual commit always makes a turn, so
        that the client gets its answer even for silence.
        """
        turns, finder = self._turns, self._finder
        if turns.current is None and manual:
            await turns.open(finder.now_ms)
        if turns.current is not None:
            rest = self._framer.rest
            if finder.speaking and len(rest):
                if self._recent is not None:
                    self._recent.append(finder.now_ms, rest)
                await turns.feed(VadFrame(finder.now_ms, rest, 0.0))
            finder.end_turn()
            await turns.close(finder.now_ms + len(rest) // _PER_MS)
        finder.skip(self._framer.forget())
