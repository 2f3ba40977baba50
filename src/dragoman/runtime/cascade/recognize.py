"""The job of an ``Interpret`` without a target: the recognition stage alone.

Scope: it joins the stage to the session. Nothing is translated or spoken, so a turn is done as soon
as its last words are known.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from dragoman.runtime.capacity import Speaker
from dragoman.runtime.cascade.image_reader import ImageReader
from dragoman.runtime.cascade.recognition.stage import RecognitionStage
from dragoman.runtime.cascade.recognition.turn import TurnPublisher
from dragoman.runtime.cascade.word_mailbox import WordMailbox
from dragoman.runtime.driver.driver import Emit
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.observer import Observer, TurnEnded
from dragoman.speech import Interpret, Status, TurnDone


async def recognize(
    task: Interpret,
    inbox: Inbox,
    emit: Emit,
    engines: EngineSet,
    observer: Observer,
    *,
    speaker: Speaker | None = None,
    now_s: Callable[[], float] = time.monotonic,
) -> None:
    """Run the job until its input ends and every turn is recognised. ``now_s`` is the clock that
    policies are given; ``speaker`` says what the capacity allows.
    """
    words = WordMailbox()
    inbox.rate_hz = task.rate_in
    publisher = TurnPublisher(emit, words, observer, now_s, lambda: inbox.arrived_s)
    images = ImageReader(None, observer, now_s)
    stage = RecognitionStage(task, engines, publisher, images, speaker or Speaker())
    async with asyncio.TaskGroup() as group:
        group.create_task(stage.run(inbox), name="recognition")
        group.create_task(_end_turns(words, emit, observer), name="end turns")


async def _end_turns(words: WordMailbox, emit: Emit, observer: Observer) -> None:
    while not words.ended:
        newest = await words.get()
        if newest is not None and newest.final:
            status: Status = "failed" if newest.failed else "completed"
            await emit(TurnDone(newest.turn, 0, status))
            observer.on(TurnEnded(newest.turn))
