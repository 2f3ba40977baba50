"""The job ``Interpret`` as a cascade of engines: VAD and ASR, then MT, then TTS.

Law of this file: it only joins the three stages; each has its own file and its own law. Data
flows one way, each stage tells the session before it passes on, and every queue between them
is bounded, so a slow stage slows the one before it and in the end the client. Beside them
``runtime.cascade.image_reader`` reads pictures, for as long as somebody listens.
"""

from __future__ import annotations

import asyncio

from dragoman.runtime.cascade import hypothesis_recorder
from dragoman.runtime.cascade.image_reader import ImageReader
from dragoman.runtime.cascade.recognition.stage import RecognitionStage
from dragoman.runtime.cascade.speech.speech_observer import SpeechObserver
from dragoman.runtime.cascade.speech.stage import SpeechStage
from dragoman.runtime.cascade.translation.stage import TranslationStage
from dragoman.runtime.cascade.word_mailbox import WordMailbox
from dragoman.runtime.driver.driver import Emit
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.engine_set import EngineSet
from dragoman.speech import Interpret


async def interpret(
    task: Interpret, inbox: Inbox, emit: Emit, stack: EngineSet, watch: SpeechObserver | None = None
) -> None:
    """Run the job until its input ends and everything heard has been said."""
    texts = WordMailbox()
    recorder = hypothesis_recorder.recorder(stack.now_s)
    if recorder is not None:
        recorder.watch(texts)
        emit = recorder.observing(emit)
    inbox.rate_hz = task.rate_in
    voicing = SpeechStage(stack, emit, listened_s=lambda: inbox.listened_s, watch=watch)
    listening = RecognitionStage(task, stack, emit, texts)
    translating = TranslationStage(stack, emit, texts, voicing)
    watching = ImageReader(stack, texts)
    try:
        async with asyncio.TaskGroup() as group:
            listen = group.create_task(listening.run(inbox), name="listen")
            watch_task = group.create_task(watching.run(), name="watch")
            listen.add_done_callback(lambda _task: watch_task.cancel())
            group.create_task(translating.run(), name="translate")
            group.create_task(voicing.run(), name="voice")
    finally:
        if recorder is not None:
            await recorder.flush()
