"""The job ``Speak``: segments in, PCM out, in order.

Law of this file: one stream of speech. Each ``Say`` is voiced in full before the next, each ends
with ``Said``. ``policy.script`` decides the language of a segment.
"""

from __future__ import annotations

from contextlib import aclosing

from dragoman.engines.base import Utterance
from dragoman.policy.script import Tongue
from dragoman.runtime.driver import Emit
from dragoman.runtime.inbox import Inbox
from dragoman.runtime.stack import Stack
from dragoman.speech import Said, Say, Speak, Voiced


async def speak(task: Speak, inbox: Inbox, emit: Emit, stack: Stack) -> None:
    """Run the job until its input ends. Raises ``EngineFailed`` when a segment cannot be voiced."""
    tongue = Tongue(task.language, stack.coverage.can_speak)
    while (item := await inbox.get()) is not None:
        if not isinstance(item, Say):
            continue
        language = tongue.of(item.text)
        utterance = Utterance(
            text=item.text,
            voice=task.voice,
            language=language,
            rate=task.rate,
            pitch=task.pitch,
            volume=task.volume,
            instructions=task.instructions,
        )
        host = stack.voice(language)
        async with aclosing(host.speak(utterance, task.sample_rate)) as pieces:
            async for pcm in pieces:
                await emit(Voiced(pcm))
        await emit(Said())
