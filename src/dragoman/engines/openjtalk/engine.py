"""Japanese by Open JTalk with the voice Mei: kanji, kana, numbers and Latin words.

Scope: the package ``pyopenjtalk-plus`` (extra ``ja``) brings the library, its
dictionary and the voice, and downloads nothing. It holds the GIL and its own lock while it works,
so it runs in worker processes. It gives no sound before a whole text is done (some 30 ms for each
second of sound), so it is fed a sentence at a time; and as 2000 letters without a stop would keep
it busy for 19 seconds, sentences and texts are cut to a bounded length. Its peaks may
exceed full scale: they are limited (``engines.shared.pcm_shaping``).

The voice: HTS Voice "Mei", Copyright 2009-2013 Nagoya Institute of Technology, Department of
Computer Science, CC-BY 3.0.
"""

from __future__ import annotations

import functools
import importlib.util
import math
import re
from collections.abc import Generator, Iterator
from types import ModuleType

import numpy as np

from dragoman.engines.base import Caps, EngineUnavailable, Info, Utterance
from dragoman.engines.openjtalk import voices as openjtalk_voices
from dragoman.engines.shared.model_files import pip_install
from dragoman.engines.shared.opened import OpensOnce
from dragoman.engines.shared.pcm_shaping import shaped
from dragoman.engines.shared.voice_table import NAMES, VoiceTable
from dragoman.text.language_tags import primary_tag
from dragoman.text.spoken import is_speakable, pause_ms, sanitized

RATE_HZ = 48_000
REQUIREMENT = "dragoman[ja]"
_VARIANT = "mei"
_LONGEST_TOKEN = 40
_LONGEST_TEXT = 1200
_LONGEST_SENTENCE = 120
_PIECE_SAMPLES = RATE_HZ // 5
_SENTENCE = re.compile(r"[^。．！？!?\n]*(?:[。．！？!?\n]+|$)[」』）)\"]*")
_COMMAS = "、，,；;：: "


@functools.cache
def _package() -> ModuleType:
    try:
        import pyopenjtalk  # noqa: PLC0415 - optional, and 100 MB of memory: only when loaded
    except ImportError:
        raise EngineUnavailable(
            "the Japanese voice is not installed (340 MB; kana are spoken without it). "
            f"Mend it with: {pip_install(REQUIREMENT)}"
        ) from None
    found: ModuleType = pyopenjtalk
    return found


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text, the long ones cut at a comma, or anywhere."""
    for match in _SENTENCE.finditer(text):
        rest = match[0].strip()
        while len(rest) > _LONGEST_SENTENCE:
            comma = max(rest.rfind(mark, 0, _LONGEST_SENTENCE) for mark in _COMMAS)
            cut = comma + 1 if comma > _LONGEST_SENTENCE // 3 else _LONGEST_SENTENCE
            yield rest[:cut]
            rest = rest[cut:]
        if rest:
            yield rest


class OpenJtalk(OpensOnce[ModuleType]):
    """Synthesizer on Open JTalk; see the module. ``voices`` is a table as in ``voice_table``."""

    info = Info(
        name="openjtalk",
        role="tts",
        licence="MIT; voice Mei CC-BY-3.0",
        quality="basic",
        runs_in="process",
        languages=("ja",),
        voices=NAMES,
        rate_hz=RATE_HZ,
        caps=Caps(first_sound_s=6.0),  # the worst sentence of 120 letters, spoken slowly: 2.6 s
        controls=("rate", "pitch", "volume"),
        about="Open JTalk with the voice Mei: reads kanji; some 0.1 s before the first sound",
    )
    sounds = VoiceTable(openjtalk_voices.TABLE, {})

    def __init__(self, voices: str = "") -> None:
        self._voices = voices

    def load(self) -> None:
        """Import the package and say a word, which reads the dictionaries."""
        super().load()
        self.sounds = self.sounds.changed(self._voices, (_VARIANT,))
        for _ in self.synthesize(Utterance(text="準備ができました。", voice="", language="ja")):
            pass

    def _open(self) -> ModuleType:
        return _package()

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        """As in the Protocol; a pause follows every sentence.

        Raises ``ValueError`` for a language other than Japanese, ``EngineUnavailable`` before
        ``load``.
        """
        package = self._opened
        if primary_tag(utterance.language) != "ja":
            raise ValueError(f"Open JTalk speaks Japanese only, not {utterance.language!r}")
        sound = self.sounds.of(utterance.voice)
        rate = max(0.25, min(4.0, utterance.rate))
        pitch = sound.pitch * utterance.pitch * sound.size
        text = sanitized(utterance.text[:_LONGEST_TEXT], longest_token=_LONGEST_TOKEN)
        parts = [sentence for sentence in sentences(text) if is_speakable(sentence)]
        for number, sentence in enumerate(parts, 1):
            pause = utterance.pause if number == len(parts) else 1.0  # behind the whole text
            yield from shaped(
                _spoken(package, sentence, speed=rate * sound.size, pitch=pitch),
                RATE_HZ,
                size=sound.size,
                gain=self.sounds.gain(utterance.voice, "ja") * utterance.volume / 50,
                pause_ms=pause_ms(sentence) * pause / rate,
            )


def _spoken(
    package: ModuleType, text: str, *, speed: float, pitch: float
) -> Generator[bytes, None, None]:
    """One sentence. Half the library's level, so that its highest peaks fit into 16 bits."""
    half_tone = 12 * math.log2(pitch)
    samples, _ = package.tts(
        text, speed=speed, half_tone=half_tone, predict_nani=_has_onnxruntime()
    )
    pcm = np.clip(np.rint(samples / 2), -32768, 32767).astype("<i2").tobytes()
    for start in range(0, len(pcm), 2 * _PIECE_SAMPLES):
        yield pcm[start : start + 2 * _PIECE_SAMPLES]


@functools.cache
def _has_onnxruntime() -> bool:
    """Whether the package can use its little model for the two readings of 何."""
    return importlib.util.find_spec("onnxruntime") is not None
