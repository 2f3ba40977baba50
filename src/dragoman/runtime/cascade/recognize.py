"""The job of an ``Interpret`` without a target: the recognition stage alone.

Scope: it joins the stage to the session. Nothing is translated or spoken, so a turn is done as soon
as its last words are known.
"""

from __future__ import annotations

import asyncio

from dragoman.runtime.cascade.recognition.stage import RecognitionStage
from dragoman.runtime.cascade.word_mailbox import WordMailbox
from dragoman.runtime.driver.driver import Emit
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.engine_set import EngineSet
from dragoman.speech import Interpret, Status, TurnDone


async def recognize(task: Interpret, inbox: Inbox, emit: Emit, engines: EngineSet) -> None:
    """Run the job until its input ends and every turn is recognised."""
    words = WordMailbox()
    inbox.rate_hz = task.rate_in
    stage = RecognitionStage(task, engines, emit, words)
    async with asyncio.TaskGroup() as group:
        group.create_task(stage.run(inbox), name="recognize")
        group.create_task(_end_turns(words, emit), name="end turns")


async def _end_turns(words: WordMailbox, emit: Emit) -> None:
    while not words.ended:
        newest = await words.get()
        if newest is not None and newest.final:
            status: Status = "failed" if newest.failed else "completed"
            await emit(TurnDone(newest.turn, 0, status))
