"""English by hibari, a small neural voice: 8 MB, some 100 times as fast as speech on one core.

Scope: model and tables are read as data out of the package ``hibari-tts``, whose code is never
imported: text becomes phonemes in ``engines.shared.english``, and the spectra that the model gives
become sound in ``vocoder``. onnxruntime and numpy release the GIL while they work, so one model
serves all sessions in threads.

A text is spoken by sentences, and the first one by its first clause, so that the first sound does
not wait for the rest. Model: hibari 0.2.1 (Apache-2.0), distilled from Kokoro-82M's ``af_heart``.
"""

from __future__ import annotations

import functools
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from dragoman.audio.pcm import from_float
from dragoman.engines.base import Info, Utterance
from dragoman.engines.hibari import voices as hibari_voices
from dragoman.engines.hibari.vocoder import RATE_HZ, waveform
from dragoman.engines.shared.english.lexicon import Lexicon, PhonemeDictionary
from dragoman.engines.shared.english.phonemes import EnglishPhonemes
from dragoman.engines.shared.english.written_forms import WrittenForms
from dragoman.engines.shared.model_files import checked_file, onnx_session, package_dir
from dragoman.engines.shared.opened import OpensOnce
from dragoman.engines.shared.pcm_shaping import shaped
from dragoman.engines.shared.voice_table import NAMES, VoiceTable
from dragoman.text.language_tags import primary_tag
from dragoman.text.spoken import is_speakable, pause_ms, sanitized

REQUIREMENT = "hibari-tts==0.2.1"
_FILES = {
    "hibari.onnx": "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8",
    "vocab.json": "70abefbe8a1c8865e43e0a43bbdc25b91a33e4aa053479d443ccf23e20a59e5d",
    "lexicon_us_gold.json.gz": "63ae94f8ef0e906d5b24fe9b59ffcbd1529aca5686a774610e43973cbaa86ad2",
    "lexicon_us_silver.json.gz": "c4c2546ebf1eb07010331e7ef785a431aa17ba8e7bfb6b4af8d654ee96a71fd3",
    "normalize.json": "d478ff05404bc43ac3e0468e306674e51085f1b1afc94cdef7c7ea4fb0d56bd8",
    "oov.onnx": "d3cfd8122c5f172a98c8de38268bf1213ee09f2c2ae4df6e055fc6532590fe76",
    "oov.json": "b462e6e5dbdf0e7346c732385d0dd844f612f1770871441c56932bff4ca75d8c",
}
_LONGEST_TOKEN = 40
_LONGEST_PIECE = 200  # phonemes, some 13 s of sound: bounds the work and memory of a call
_FIRST_CLAUSE = 24  # phonemes; a shorter one would sound cut off
_CLAUSE = re.compile(r"[,;:—.!?…)]+ ")


class _Model(msgspec.Struct):
    """What ``load`` opens."""

    session: Any
    ids: dict[str, int]
    phonemes: EnglishPhonemes


class _UnknownWords:
    """Phonemes of words by their letters, with a small network that was trained for that."""

    def __init__(self, session: Any, alphabets: dict[str, Any]) -> None:
        self._session = session
        self._letters = {letter: number for number, letter in enumerate(alphabets["in"], 1)}
        self._sounds = ["", *alphabets["out"]]
        self._longest = alphabets["maxlen"]
        self.read = functools.lru_cache(maxsize=2048)(self._read)

    def _read(self, word: str) -> str:
        letters = [self._letters[letter] for letter in word if letter in self._letters]
        if not letters:
            return ""
        (found,) = self._session.run(None, {"chars": np.array([letters[: self._longest]])})
        row = found[0].tolist()  # one label for each frame; a repeated one counts once, 0 is none
        return "".join(
            self._sounds[label]
            for before, label in zip([0, *row], row, strict=False)
            if label != before
        )


def pieces(sentences: Iterator[str]) -> Iterator[str]:
    """Phonemes in pieces that the model takes; of the first sentence the first clause alone."""
    shortest = _FIRST_CLAUSE
    for sentence in sentences:
        rest = sentence
        while rest:
            cut = _cut(rest, shortest)
            yield rest[:cut].strip()
            rest, shortest = rest[cut:].strip(), _LONGEST_PIECE


def _cut(text: str, shortest: int) -> int:
    """Behind the first clause of at least ``shortest``, at most ``_LONGEST_PIECE``."""
    ends = [match.end() for match in _CLAUSE.finditer(text)]
    early = next((end for end in ends if end >= shortest), len(text))
    if early <= _LONGEST_PIECE:
        return early
    if len(text) <= _LONGEST_PIECE:
        return len(text)
    late = max((end for end in ends if end <= _LONGEST_PIECE), default=0)
    return late or text.rfind(" ", 1, _LONGEST_PIECE) + 1 or _LONGEST_PIECE


class Hibari(OpensOnce[_Model]):
    """Synthesizer with hibari's model; see the module. ``voices`` is a table as in
    ``voice_table``, ``threads`` counts the threads of one call.
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

    def __init__(self, voices: str = "", threads: int = 1) -> None:
        self._voices, self._threads = voices, threads

    def load(self) -> None:
        """Read model and tables, and say a word."""
        super().load()
        self.sounds = self.sounds.changed(self._voices, (hibari_voices.VOICE,))
        for _ in self.synthesize(Utterance(text="ready", voice="", language="en")):
            pass

    def _open(self) -> _Model:
        folder = package_dir("hibari", REQUIREMENT) / "assets"
        path = {
            name: checked_file(folder / name, sha256, REQUIREMENT)
            for name, sha256 in _FILES.items()
        }
        unknown = _UnknownWords(
            onnx_session(path["oov.onnx"], self._threads), _read_json(path["oov.json"])
        )
        dictionary = PhonemeDictionary(
            _read_json(path["lexicon_us_gold.json.gz"]),
            _read_json(path["lexicon_us_silver.json.gz"]),
        )
        forms = WrittenForms(_read_json(path["normalize.json"]))
        return _Model(
            onnx_session(path["hibari.onnx"], self._threads),
            _read_json(path["vocab.json"]),
            EnglishPhonemes(Lexicon(dictionary, unknown.read), forms),
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
        for piece, is_last in _with_last(pieces(model.phonemes.of(text))):
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
    speed = np.array([max(0.5, min(1.0, pace))], np.float32)
    outputs = [
        part[0] for part in model.session.run(None, {"ids": np.array([ids]), "speed": speed})
    ]
    if pace != speed[0]:
        count = outputs[-1].size
        wanted = max(2, round(count * float(speed[0]) / pace))
        kept = np.rint(np.linspace(0, count - 1, wanted)).astype(int)
        outputs = [part[..., kept] for part in outputs]
    return from_float(waveform(outputs, pitch=pitch))


def _with_last(texts: Iterator[str]) -> Iterator[tuple[str, bool]]:
    """Each text, and whether it is the last one."""
    before = next(texts, None)
    if before is None:
        return
    for text in texts:
        yield before, False
        before = text
    yield before, True


def _read_json(path: Path) -> Any:
    data = path.read_bytes()
    return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
