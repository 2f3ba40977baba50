"""The job ``Speak``: segments in, one stream of speech out, in order.

Scope: each ``Say`` is spoken in full before the next, and each ends with ``Said``.
``policy.reading.voice_language`` decides the language of a segment. The host is given how much the
listener has still to play, so that segments go first whose listeners hear nothing yet. All segments
go through one encoder (``runtime.synthesis.encoding``), whose last bytes come before the job ends;
also when a segment fails, so that what was spoken until then can be heard to its end. Words that
come out as nothing at all (in a script that no voice here can read) are refused, never reported as
spoken. A cancelled job gives up the encoder and waits for nothing.
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


async def speak(task: Speak, inbox: Inbox, emit: Emit, engines: EngineSet) -> None:
    """Run the job until its input ends. Raises ``EngineFailed`` when a segment cannot be spoken."""
    voice_language = VoiceLanguage(task.language, engines.coverage.can_speak)
    playback = _Playback(task.sample_rate)
    with closing(Encoding(task, emit)) as encoding:
        try:
            while (item := await inbox.get()) is not None:
                if isinstance(item, Say):
                    language = voice_language.of(item.text)
                    utterance = _utterance(item.text, language, task)
                    host = engines.synthesizer(language)
                    is_audible = await _say(utterance, host, encoding, playback)
                    if not is_audible and _has_words(item.text):
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
    utterance: Utterance, host: EngineHost, encoding: Encoding, playback: _Playback
) -> bool:
    """Speak a segment; whether there was any sound."""
    is_audible = False
    speech = host.speak(utterance, playback.rate_hz, slack_s=playback.slack_s())
    async with aclosing(speech) as pieces:
        async for pcm in pieces:
            is_audible = True
            playback.receive(pcm)
            await encoding.feed(pcm)
    return is_audible


def _has_words(text: str) -> bool:
    """Whether silence would lose something: a stray letter among signs may well be silent."""
    return sum(char.isalpha() for char in text) >= _WORD_LETTERS


class _Playback:
    """Playback at the client: how much of the speech that it has is still to be played."""

    def __init__(self, rate_hz: int) -> None:
        self._loop = asyncio.get_running_loop()
        self.rate_hz = rate_hz
        self._ends = 0.0  # when all that came so far will have been played

    def receive(self, pcm: bytes) -> None:
        """More speech; it begins when the last is over, or now."""
        self._ends = max(self._ends, self._loop.time()) + len(pcm) / (self.rate_hz * SAMPLE_BYTES)

    def slack_s(self) -> float:
        """Seconds from now until silence."""
        return max(0.0, self._ends - self._loop.time())
