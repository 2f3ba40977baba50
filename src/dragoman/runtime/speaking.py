"""The job ``Speak``: segments in, one stream of speech out, in order.

Law of this file: each ``Say`` is voiced in full before the next, each ends with ``Said``.
``policy.script`` decides the language of a segment. All segments go through one encoder
(``runtime.encoding``), whose last bytes come before the job ends; also when a segment fails, so
that what was spoken until then can be heard to its end. Who is cancelled gives up the encoder and
waits for nothing.
"""

from __future__ import annotations

from contextlib import aclosing, closing

from dragoman.engines.base import Utterance
from dragoman.policy.script import Tongue
from dragoman.runtime.driver import Emit
from dragoman.runtime.encoding import Encoding
from dragoman.runtime.hosts import EngineFailed
from dragoman.runtime.inbox import Inbox
from dragoman.runtime.stack import Stack
from dragoman.speech import Said, Say, Speak


async def speak(task: Speak, inbox: Inbox, emit: Emit, stack: Stack) -> None:
    """Run the job until its input ends. Raises ``EngineFailed`` when a segment cannot be voiced."""
    tongue = Tongue(task.language, stack.coverage.can_speak)
    with closing(Encoding(task, emit)) as encoding:
        try:
            while (item := await inbox.get()) is not None:
                if isinstance(item, Say):
                    await _say(item.text, tongue.of(item.text), task, encoding, stack)
                    await emit(Said())
        except EngineFailed:
            await encoding.finish()
            raise
        await encoding.finish()


async def _say(text: str, language: str, task: Speak, encoding: Encoding, stack: Stack) -> None:
    utterance = Utterance(
        text=text,
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
            await encoding.feed(pcm)
