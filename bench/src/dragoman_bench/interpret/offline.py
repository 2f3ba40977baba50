"""The same engines on whole recordings: what waiting for the end would have given.

Scope: the embedded recognisers and translators, in this process. Each recording is recognised at
once (in pieces where the model takes no more), each sentence translated whole; by a translator that
hears, each piece. Quality of live interpretation is compared with this: the retention.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from dragoman.engines.base import Translation, Window
from dragoman.engines.registry import PRESETS, parse_choice
from dragoman.policy.segmentation.segmenter import Segmenter
from dragoman.runtime.cascade.recognition.audio_window import quietest
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.hosts.host import EngineFailed, EngineHost
from dragoman.speech import Hypothesis, joined_text
from dragoman_bench.interpret.recordings import RATE_HZ, Pcm
from dragoman_bench.interpret.script import joined
from dragoman_bench.interpret.stream import Stream

_ASR, _MT = (",".join(PRESETS["embedded"].specs(role)) for role in ("asr", "mt"))
_ENGINES = f"vad=energy,asr={_ASR},mt={_MT},tts=scripted-tts"


class OfflineTexts(msgspec.Struct, frozen=True):
    """What the engines make of a whole recording; None where that was not asked."""

    source: str | None = None
    target: str | None = None


class _Piece(NamedTuple):
    """What was recognised in a piece of a recording: the text, and its sound as float32 bytes."""

    text: str
    sound: bytes


async def interpret_offline(streams: Sequence[Stream]) -> dict[str, OfflineTexts]:
    """The texts of each stream, by its name; without those that the engines do not cover or give
    up on.
    """
    engines = EngineSet(parse_choice(_ENGINES), warm=())
    await engines.load()
    try:
        found = {}
        for stream in streams:
            script, can = stream.script, engines.coverage
            if not can.can_hear(script.language):
                continue
            if not can.can_translate(script.language, script.target):
                continue
            asr = engines.recognizer(script.language).host
            mt = engines.translator(script.language, script.target)
            with contextlib.suppress(EngineFailed):
                pieces = await _recognise(asr, stream.samples, script.language)
                target = await _translate(mt, pieces, script.language, script.target)
                found[script.name] = OfflineTexts(_joined(pieces, script.language), target)
        return found
    finally:
        await engines.close()


async def _translate(host: EngineHost, pieces: Sequence[_Piece], source: str, target: str) -> str:
    if host.info.takes_speech:  # it hears, so each text goes with its own sound
        asked = [(piece.text, piece.sound) for piece in pieces if piece.text]
    else:
        segmenter = Segmenter()
        sentences = [*segmenter.feed(_joined(pieces, source)), *segmenter.flush()]
        asked = [(sentence.strip(), b"") for sentence in sentences if sentence.strip()]
    translated = [
        await host.call(Translation(text=text, source=source, target=target, speech=sound))
        for text, sound in asked
    ]
    return " ".join(str(sentence) for sentence in translated)


async def _recognise(host: EngineHost, samples: Pcm, language: str) -> list[_Piece]:
    pieces: list[_Piece] = []
    rest = samples.astype(np.float32) / 32768.0
    longest = int(host.info.max_window_s * RATE_HZ)
    while len(rest):
        end = len(rest)
        if end > longest:
            end = quietest(rest, longest // 2, longest - RATE_HZ // 2)
        sound = rest[:end].tobytes()
        answer = await host.call(Window(samples=sound, language=language))
        assert isinstance(answer, Hypothesis)
        pieces.append(_Piece(joined_text(answer.words), sound))
        rest = rest[end:]
    return pieces


def _joined(pieces: Sequence[_Piece], language: str) -> str:
    return joined([piece.text for piece in pieces if piece.text], language)
