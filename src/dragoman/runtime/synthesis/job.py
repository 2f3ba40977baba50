"""The job ``Speak``: segments in, one stream of speech out, in order.

Law of this file: each ``Say`` is voiced in full before the next, each ends with ``LoggedWords``.
``policy.reading.voice_language`` decides the language of a segment. The host is told how long the
listener can wait, so that those go first who hear nothing yet. All segments go through one encoder
(``runtime.synthesis.encoding``), whose last bytes come before the job ends; also when a segment
fails, so that what was spoken until then can be heard to its end. Words that come out as nothing at
all (a script that no voice here knows) are refused, never passed off as spoken. Who is cancelled
gives up the encoder and waits for nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, closing

from dragoman.audio.pcm import SAMPLE_BYTES
from dragoman.engines.base import Utterance
from dragoman.policy.reading.voice_language import VoiceLanguage
from dragoman.runtime.driver.driver import Emit
from dragoman.runtime.driver.inbox import Inbox
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.hosts.host import EngineFailed, EngineHost, TextRefused
from dragoman.runtime.synthesis.encoding import Encoding
from dragoman.speech import Said, Say, Speak

_WORD_LETTERS = 3
_NO_VOICE = "None of the voices of this server can read the script that this text is written in."


async def speak(task: Speak, inbox: Inbox, emit: Emit, stack: EngineSet) -> None:
    """Run the job until its input ends. Raises ``EngineFailed`` when a segment cannot be voiced."""
    tongue = VoiceLanguage(task.language, stack.coverage.can_speak)
    listener = _Listener(task.sample_rate)
    with closing(Encoding(task, emit)) as encoding:
        try:
            while (item := await inbox.get()) is not None:
                if isinstance(item, Say):
                    language = tongue.of(item.text)
                    utterance = _utterance(item.text, language, task)
                    heard = await _say(utterance, stack.voice(language), encoding, listener)
                    if not heard and _has_words(item.text):
                        raise TextRefused(_NO_VOICE)
                    await emit(Said())
        except EngineFailed:
            await encoding.finish()
            raise
        await encoding.finish()


def _utterance(text: str, language: str, task: Speak) -> Utterance:
    return Utterance(
        text=text,
        voice=task.voice,
        language=language,
        rate=task.rate,
        pitch=task.pitch,
        volume=task.volume,
        instructions=task.instructions,
    )


async def _say(
    utterance: Utterance, host: EngineHost, encoding: Encoding, listener: _Listener
) -> bool:
    """Voice a segment; whether there was any sound."""
    heard = False
    speech = host.speak(utterance, listener.rate_hz, slack_s=listener.slack_s())
    async with aclosing(speech) as pieces:
        async for pcm in pieces:
            heard = True
            listener.gets(pcm)
            await encoding.feed(pcm)
    return heard


def _has_words(text: str) -> bool:
    """Whether a listener would miss it: a stray letter among signs may well be silent."""
    return sum(char.isalpha() for char in text) >= _WORD_LETTERS


class _Listener:
    """One who hears the speech as it comes: for how long there is still something to hear."""

    def __init__(self, rate_hz: int) -> None:
        self._loop = asyncio.get_running_loop()
        self.rate_hz = rate_hz
        self._ends = 0.0  # when all that came so far will have been heard

    def gets(self, pcm: bytes) -> None:
        """More speech; it begins when the last is over, or now."""
        self._ends = max(self._ends, self._loop.time()) + len(pcm) / (self.rate_hz * SAMPLE_BYTES)

    def slack_s(self) -> float:
        """From now until silence."""
        return max(0.0, self._ends - self._loop.time())
