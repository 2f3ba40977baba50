"""English by hibari, a small neural voice: 8 MB, some 100 times as fast as speech on one core.

Scope: model and tables are read as data out of the package ``hibari-tts``, whose code is never
imported: text becomes phonemes in ``engines.shared.english``, and the spectra that the model gives
become sound in ``vocoder``. onnxruntime and numpy release the GIL while they work, so one model
serves all sessions in threads.

A text is spoken by sentences, and the first one by its first clause, so that the first sound does
not wait for the rest. Model: hibari 0.2.1 (Apache-2.0), distilled from Kokoro-82M's ``af_heart``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from dragoman.audio.pcm import from_float
from dragoman.engines.base import Info, Utterance
from dragoman.engines.hibari import voices as hibari_voices
from dragoman.engines.hibari.vocoder import RATE_HZ, waveform
from dragoman.engines.shared.english.phonemes import EnglishPhonemes
from dragoman.engines.shared.english.tables import english_phonemes, read_json
from dragoman.engines.shared.model_files import onnx_session
from dragoman.engines.shared.model_store import find_model
from dragoman.engines.shared.opened import OpensOnce
from dragoman.engines.shared.pcm_shaping import shaped
from dragoman.engines.shared.phoneme_pieces import pieces
from dragoman.engines.shared.voice_table import NAMES, VoiceTable
from dragoman.text.language_tags import primary_tag
from dragoman.text.spoken import is_speakable, pause_ms, sanitized

_LONGEST_TOKEN = 40
_LONGEST_PIECE = 200  # phonemes, some 13 s of sound: bounds the work and memory of a call


class _Model(msgspec.Struct):
    """What ``load`` opens."""

    session: Any
    ids: dict[str, int]
    phonemes: EnglishPhonemes


class Hibari(OpensOnce[_Model]):
    """Synthesizer with hibari's model; see the module.

    ``voices`` is a table as in ``voice_table``, ``folder`` has the files of the model, ``threads``
    counts the threads of one call.
    """

    info = Info(
        name="hibari",
        role="tts",
        licence="Apache-2.0",
        quality="good",
        runs_in="thread",
        languages=("en",),
        voices=NAMES,
        rate_hz=RATE_HZ,
        controls=("rate", "pitch", "volume"),
        about="hibari 0.2.1: a natural American voice, on one core a hundred times real time",
    )
    sounds = VoiceTable(hibari_voices.TABLE, {})

    def __init__(self, voices: str = "", folder: str = "", threads: int = 1) -> None:
        self._voices, self._folder, self._threads = voices, folder, threads

    def load(self) -> None:
        """Read model and tables, and say a word."""
        super().load()
        self.sounds = self.sounds.changed(self._voices, (hibari_voices.VOICE,))
        for _ in self.synthesize(Utterance(text="ready", voice="", language="en")):
            pass

    def _open(self) -> _Model:
        folder = find_model("hibari", self._folder)
        return _Model(
            onnx_session(folder / "hibari.onnx", self._threads),
            read_json(folder / "vocab.json"),
            english_phonemes(folder, self._threads),
        )

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        """As in the Protocol; a pause follows every piece by its last mark.

        Raises ``ValueError`` for a language other than English, ``EngineUnavailable`` before
        ``load``.
        """
        model = self._opened
        if primary_tag(utterance.language) != "en":
            raise ValueError(f"hibari speaks English only, not {utterance.language!r}")
        text = sanitized(utterance.text, longest_token=_LONGEST_TOKEN)
        if not is_speakable(text):
            return
        sound = self.sounds.of(utterance.voice)
        rate = max(0.25, min(4.0, utterance.rate))
        pitch = sound.pitch * utterance.pitch * sound.size
        gain = self.sounds.gain(utterance.voice, "en") * utterance.volume / 50
        for piece, is_last in pieces(model.phonemes.of(text), _LONGEST_PIECE):
            yield from shaped(
                iter([_pcm(model, piece, rate * sound.size, pitch)]),
                RATE_HZ,
                size=sound.size,
                gain=gain,
                pause_ms=pause_ms(piece) * (utterance.pause if is_last else 1.0) / rate,
            )


def _pcm(model: _Model, phonemes: str, pace: float, pitch: float) -> bytes:
    """Asked for more than its usual pace, the model rounds most sounds up: so frames are left out.
    Below half of it they are repeated.
    """
    ids = [0, *(model.ids[sound] for sound in phonemes if sound in model.ids), 0]
    speed = max(0.5, min(1.0, pace))
    asked = {"ids": np.array([ids]), "speed": np.array([speed], np.float32)}
    outputs = [part[0] for part in model.session.run(None, asked)]
    if pace != speed:
        count = outputs[-1].size
        wanted = max(2, round(count * speed / pace))
        kept = np.rint(np.linspace(0, count - 1, wanted)).astype(int)
        outputs = [part[..., kept] for part in outputs]
    return from_float(waveform(outputs, pitch=pitch))
