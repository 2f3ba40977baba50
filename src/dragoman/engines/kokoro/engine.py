"""Kokoro-82M: Japanese by five voices of a neural model; with a folder of its files, English too.

Scope: the model (int8, ONNX) and its voices are data, see ``model_store``. It takes half a second
of one core for a second of speech, and gives no sound before a clause is done: some 2 s before the
first sound of an interpretation, so it is meant for operators who choose it. Open JTalk, which
reads the kanji, holds the GIL: it runs in worker processes, of some 430 MB each.

Model: hexgrad's Kokoro-82M v1.0 (Apache-2.0), exported by thewh1teagle (MIT).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from dragoman.audio.pcm import from_float
from dragoman.engines.base import Caps, EngineUnavailable, Info, Utterance
from dragoman.engines.kokoro import japanese
from dragoman.engines.shared.english.phonemes import EnglishPhonemes
from dragoman.engines.shared.english.tables import english_phonemes, read_json
from dragoman.engines.shared.model_files import onnx_session
from dragoman.engines.shared.model_store import find_model
from dragoman.engines.shared.opened import OpensOnce
from dragoman.engines.shared.pcm_shaping import shaped
from dragoman.engines.shared.phoneme_pieces import pieces
from dragoman.engines.shared.voice_table import FEMALE, MALE, NAMES, VoiceSound, VoiceTable
from dragoman.text.language_tags import primary_tag
from dragoman.text.spoken import is_speakable, pause_ms, sanitized

RATE_HZ = 24_000
_LONGEST_TOKEN = 40
_LONGEST_PIECE = 120  # phonemes, some 9 s of sound; the model takes 510
_GAIN_DB = -1.6
_LETTER = {"ja": "j", "en": "a"}
"""First letter of a voice's name, by language; the second one is f or m."""
_SIZES = (1.0, 0.95, 1.05, 0.92, 1.08, 0.97, 1.03, 0.9, 1.1, 0.935, 1.065)

Voices = Mapping[str, npt.NDArray[np.float32]]


class _Model(msgspec.Struct):
    """What ``load`` opens."""

    session: Any
    ids: dict[str, int]
    voices: Voices
    sounds: dict[str, VoiceTable]
    english: EnglishPhonemes | None


class Kokoro(OpensOnce[_Model]):
    """Synthesizer with Kokoro; see the module. ``folder`` has an official model file
    (``kokoro-v1.0*.onnx``) with ``voices-v1.0.bin``, instead of the Japanese packages. ``threads``
    counts the threads of one call.
    """

    def __init__(self, folder: str = "", threads: int = 1) -> None:
        self._folder, self._threads = folder, threads
        self.info = Info(
            name="kokoro",
            role="tts",
            licence="Apache-2.0",
            quality="good",
            runs_in="process",
            languages=("ja", "en") if folder else ("ja",),
            voices=NAMES,
            rate_hz=RATE_HZ,
            caps=Caps(first_sound_s=15.0, cpu_s=180.0, wall_s=300.0),
            controls=("rate", "volume"),
            about="Kokoro-82M, int8: natural; half a second of a core for a second of speech",
        )

    def load(self) -> None:
        """Read the model and say a word, which reads the dictionaries of Open JTalk."""
        super().load()
        for _ in self.synthesize(Utterance(text="はい。", voice="", language="ja")):
            pass

    def _open(self) -> _Model:
        japanese.package()
        data = find_model("kokoro-ja")
        model, voices = data / "model.onnx", data / "voices_ja.npz"
        if self._folder:
            model, voices = _official_files(Path(self._folder).expanduser())
        styles = {name: style.squeeze(1) for name, style in _styles(voices).items()}
        sounds = {language: _sounds(styles, language) for language in self.info.languages}
        english = english_phonemes(find_model("hibari")) if "en" in sounds else None
        ids = read_json(data / "vocab.json")["vocab"]
        return _Model(onnx_session(model, self._threads), ids, styles, sounds, english)

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        """As in the Protocol; a pause follows every piece by its last mark.

        Raises ``ValueError`` for a language without voices, ``EngineUnavailable`` before ``load``.
        """
        model, language = self._opened, primary_tag(utterance.language)
        if language not in model.sounds:
            raise ValueError(f"Kokoro has no voice here for {utterance.language!r}")
        text = sanitized(utterance.text, longest_token=_LONGEST_TOKEN)
        if not is_speakable(text):
            return
        table = model.sounds[language]
        sound = table.of(utterance.voice)
        rate = max(0.5, min(2.0, utterance.rate))
        spoken = japanese.japanese_phonemes if language == "ja" else _of(model.english)
        for piece, is_last in pieces(spoken(text), _LONGEST_PIECE):
            yield from shaped(
                iter([_pcm(model, piece, sound.variant, rate * sound.size)]),
                RATE_HZ,
                size=sound.size,
                gain=table.gain(utterance.voice, language) * utterance.volume / 50,
                pause_ms=pause_ms(piece) * (utterance.pause if is_last else 1.0) / rate,
            )


def _of(english: EnglishPhonemes | None) -> Any:
    assert english is not None
    return english.of


def _pcm(model: _Model, phonemes: str, voice: str, pace: float) -> bytes:
    ids = [model.ids[sound] for sound in phonemes if sound in model.ids]
    if not ids:
        return b""
    asked = {
        "tokens": np.array([[0, *ids, 0]]),
        "style": model.voices[voice][min(len(ids), len(model.voices[voice])) - 1][None],
        "speed": np.array([pace], np.float32),
    }
    return from_float(model.session.run(None, asked)[0].reshape(-1))


def _official_files(folder: Path) -> tuple[Path, Path]:
    models, voices = sorted(folder.glob("kokoro-v1.0*.onnx")), folder / "voices-v1.0.bin"
    if not models or not voices.is_file():
        raise EngineUnavailable(
            f"{folder}: a folder for Kokoro has kokoro-v1.0.onnx (or kokoro-v1.0.int8.onnx) and "
            "voices-v1.0.bin, as kokoro-onnx publishes them"
        )
    return models[0], voices


def _styles(path: Path) -> Voices:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name].astype(np.float32) for name in archive.files}


def _sounds(voices: Voices, language: str) -> VoiceTable:
    """A voice of its gender for every name, in turns, each time as a larger or smaller speaker."""
    table = {}
    for gender, names in (("f", FEMALE), ("m", MALE)):
        found = sorted(name for name in voices if name.startswith(_LETTER[language] + gender))
        if not found:
            raise EngineUnavailable(f"Kokoro's file of voices has none for the language {language}")
        for number, name in enumerate(names):
            turn, at = divmod(number, len(found))
            size = _SIZES[turn] if turn < len(_SIZES) else round(0.9 + 0.0053 * turn, 4)
            table[name] = VoiceSound(found[at], 1.0, size, _GAIN_DB)
    return VoiceTable(table, {})
