"""The job ``Interpret`` as a cascade of engines: VAD and ASR, then MT, then TTS.

Scope: it only joins the three stages. Data flows one way, each stage tells the session before it
passes on, and every queue between them is bounded, so a slow stage slows the one before it and in
the end the client. Beside them ``image_reader`` reads pictures until the input ends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from dragoman.runtime.capacity import Speaker
from dragoman.runtime.cascade import hypothesis_recorder
from dragoman.runtime.cascade.image_reader import ImageReader
from dragoman.runtime.cascade.recent_audio import RecentAudio
from dragoman.runtime.cascade.recognition.stage import RecognitionStage
from dragoman.runtime.cascade.recognition.turn import TurnPublisher
from dragoman.runtime.cascade.speech.stage import SpeechStage
from dragoman.runtime.cascade.translation.stage import TranslationStage
from dragoman.runtime.cascade.word_mailbox import WordMailbox
from dragoman.runtime.driver.driver import Emit
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.observer import FanOut, Observer
from dragoman.speech import Interpret


async def interpret(
    task: Interpret,
    inbox: Inbox,
    emit: Emit,
    engines: EngineSet,
    observer: Observer,
    *,
    speaker: Speaker | None = None,
    now_s: Callable[[], float] = time.monotonic,
) -> None:
    """Run the job until its input ends and everything recognised has been spoken. ``now_s`` is the
    clock that policies are given; ``speaker`` says what the capacity allows.
    """
    speaker = speaker or Speaker()
    recorder = hypothesis_recorder.recorder(now_s)
    if recorder is not None:
        observer = FanOut(observer, recorder)
    inbox.rate_hz = task.rate_in
    words, recent = WordMailbox(), RecentAudio()
    images = ImageReader(engines.text_reader, observer, now_s)
    publisher = TurnPublisher(emit, words, observer, now_s, lambda: inbox.arrived_s)
    recognition = RecognitionStage(task, engines, publisher, images, speaker, recent=recent)
    speech = SpeechStage(engines, emit, observer, now_s, listened_s=lambda: inbox.listened_s)
    translation = TranslationStage(
        engines,
        emit,
        words,
        images,
        speech,
        recent=recent,
        speaker=speaker,
        observer=observer,
        now_s=now_s,
    )
    try:
        async with asyncio.TaskGroup() as group:
            recognising = group.create_task(recognition.run(inbox), name="recognition")
            reading = group.create_task(images.run(), name="images")
            recognising.add_done_callback(lambda _task: reading.cancel())
            group.create_task(translation.run(), name="translation")
            group.create_task(speech.run(), name="speech")
    finally:
        if recorder is not None:
            await recorder.flush()
