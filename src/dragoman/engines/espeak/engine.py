"""Speech in some seventy languages by espeak-ng 1.52, a formant synthesizer.

Scope: espeak-ng is GPL-3 and not thread-safe, so the library is opened in ``load``
only, and ``load`` is called only in a worker process (``runs_in="process"``); describing the
engine opens nothing. Library and data come with the ``espeakng-loader`` package; distribution
packages of 1.51 cannot read Chinese.

espeak calls back while it synthesizes, about every 60 ms of sound;
``engines.shared.callback_stream`` turns that into an iterator whose first piece is there after some
0.2 ms. User text goes in as plain UTF-8: the flag for SSML is never given, the one for phonemes
only with what ``engines.espeak.mandarin`` wrote. espeak reads kana and no kanji (each would be
"Chinese letter"), so Japanese with kanji is refused. Its output is not repeatable to the sample.
API: ``speak_lib.h`` of espeak-ng.
"""

from __future__ import annotations

import ctypes
import functools
import math
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from dragoman.engines.base import EngineUnavailable, Info, Unspeakable, Utterance
from dragoman.engines.espeak import mandarin
from dragoman.engines.espeak import voices as espeak_voices
from dragoman.engines.shared.callback_stream import ProducerLock, Put, iterate_audio
from dragoman.engines.shared.model_files import pip_install
from dragoman.engines.shared.opened import OpensOnce
from dragoman.engines.shared.pcm_shaping import shaped
from dragoman.engines.shared.voice_table import NAMES
from dragoman.text.scripts import HAN
from dragoman.text.spoken import is_speakable, pause_ms, sanitized

RATE_HZ = 22_050
_BUFFER_MS = 60
_CALLBACKS_PER_PIECE = 5  # waking the reader for each callback would cost as much as its work
_SYNCHRONOUS, _DONT_EXIT = 2, 0x8000
_UTF8, _PHONEMES = 1, 0x100
_RATE, _PITCH = 1, 3
_KANJI = re.compile(f"[{HAN}]")
NO_KANJI = (
    "Japanese text with kanji cannot be spoken here: the server lacks its Japanese voice "
    "(install it there with: pip install 'dragoman[ja]'); text in kana can."
)
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)

_LOCK = ProducerLock()  # one per process, like the library


class EspeakText(msgspec.Struct, frozen=True):
    """A text as espeak is to read it, with espeak's flags."""

    text: str
    flags: int = _UTF8


class _EspeakLibrary:
    """The opened library; one per process."""

    def __init__(self, library: str, data: str) -> None:
        self._lib = ctypes.CDLL(library)
        self._lib.espeak_Synth.argtypes = [
            *(ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int),
            *(ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p),
        ]
        rate = self._lib.espeak_Initialize(
            _SYNCHRONOUS, _BUFFER_MS, str(Path(data).parent).encode(), _DONT_EXIT
        )
        if rate != RATE_HZ:
            raise EngineUnavailable(
                "espeak-ng did not find its data: reinstall the Python package espeakng-loader"
            )
        self.variants = tuple(file.name for file in Path(data, "voices", "!v").iterdir())
        self._callback = _CALLBACK(self._on_audio)  # kept: the library holds only a pointer
        self._lib.espeak_SetSynthCallback(self._callback)
        self._put: Put | None = None
        self._made: list[bytes] = []
        self._due = 0  # callbacks to collect before a piece is handed on
        self._voice = ""

    def _on_audio(self, samples: ctypes._Pointer[ctypes.c_short], count: int, _events: int) -> int:
        if not samples or count <= 0 or self._put is None:
            return 0
        self._made.append(ctypes.string_at(samples, count * 2))
        if len(self._made) < self._due:
            return 0
        self._due = _CALLBACKS_PER_PIECE  # the first piece goes at once
        return 0 if self._hand_on() else 1

    def _hand_on(self) -> bool:
        pcm = b"".join(self._made)
        self._made.clear()
        return self._put is not None and (not pcm or self._put(pcm))

    def speak(self, text: EspeakText, voice: str, rate: int, pitch: int, put: Put) -> None:
        """Synthesize at ``rate`` words a minute; returns when the text is spoken or ``put`` asked
        to stop.
        """
        if voice != self._voice:
            self._voice = ""
            self._check(self._lib.espeak_SetVoiceByName(voice.encode()), f"voice {voice}")
            self._voice = voice
        self._check(self._lib.espeak_SetParameter(_RATE, rate, 0), "rate")
        self._check(self._lib.espeak_SetParameter(_PITCH, pitch, 0), "pitch")
        data = text.text.encode("utf-8", "replace") + b"\0"
        self._put, self._due = put, 1
        try:
            self._check(
                self._lib.espeak_Synth(data, len(data), 0, 1, 0, text.flags, None, None),
                "speech",
            )
            self._hand_on()
        finally:
            self._put = None
            self._made.clear()

    @staticmethod
    def _check(code: int, what: str) -> None:
        if code != 0:
            raise RuntimeError(f"espeak refused the {what} (code {code})")


@functools.cache
def _library() -> _EspeakLibrary:
    try:
        import espeakng_loader  # noqa: PLC0415 - optional, and GPL: only when loaded
    except ImportError:
        raise EngineUnavailable(
            f"espeak-ng is not installed. Mend it with: {pip_install('espeakng-loader==0.2.4')}"
        ) from None
    try:
        return _EspeakLibrary(espeakng_loader.get_library_path(), espeakng_loader.get_data_path())
    except OSError:
        raise EngineUnavailable(
            "the espeak-ng library cannot be opened on this system: "
            "reinstall the Python package espeakng-loader for this platform"
        ) from None


def _pitch_level(factor: float) -> int:
    """Level 0..99 for a factor on the voice's own pitch: 0 halves it, 50 keeps it."""
    return max(0, min(99, round(50 + 50 * math.log2(max(0.1, factor)))))


class Espeak(OpensOnce[_EspeakLibrary]):
    """Synthesizer on espeak-ng; see the module. ``voices`` is a table as in ``voice_table``."""

    info = Info(
        name="espeak",
        role="tts",
        licence="GPL-3.0-or-later",
        quality="basic",
        runs_in="process",
        languages=tuple(sorted(espeak_voices.LANGUAGES)),
        voices=NAMES,
        rate_hz=RATE_HZ,
        controls=("rate", "pitch", "volume"),
        about="espeak-ng 1.52: understandable, plainly a machine; a millisecond per sentence",
    )
    sounds = espeak_voices.SOUNDS

    def __init__(self, voices: str = "") -> None:
        self._voices = voices

    def load(self) -> None:
        """Open the library and say one word, so that the first client need not wait for it."""
        super().load()
        self.sounds = self.sounds.changed(self._voices, self._opened.variants)
        for _ in self.synthesize(Utterance(text="ready", voice="", language="en")):
            pass

    def _open(self) -> _EspeakLibrary:
        return _library()

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        """As in the Protocol; the edges are trimmed and a pause fits the last punctuation.

        Raises ``Unspeakable`` for kanji, ``ValueError`` for a language espeak has no voice for,
        ``EngineUnavailable`` before ``load``, ``RuntimeError`` when espeak reports an error.
        """
        library = self._opened
        language = espeak_voices.reading(utterance.language, utterance.voice)
        voice = espeak_voices.identifier(language)
        if voice is None:
            raise ValueError(f"espeak has no voice for the language {language!r}")
        text = sanitized(utterance.text)
        if not is_speakable(text):
            return
        written = espeak_text(text, voice)
        sound = self.sounds.of(utterance.voice)
        usual = espeak_voices.pace(language)
        rate = max(80, min(450, round(usual * utterance.rate * sound.size)))
        pitch = _pitch_level(sound.pitch * utterance.pitch * sound.size)
        name = f"{voice}+{sound.variant}"
        speak = functools.partial(library.speak, written, name, rate, pitch)
        yield from shaped(
            iterate_audio(_LOCK, speak),
            RATE_HZ,
            size=sound.size,
            gain=self.sounds.gain(utterance.voice, utterance.language) * utterance.volume / 50,
            pause_ms=pause_ms(text) * utterance.pause * usual / rate,
        )


def espeak_text(text: str, voice: str) -> EspeakText:
    """The text as this voice can read it. Raises ``Unspeakable``."""
    if voice == espeak_voices.MANDARIN:
        written, marked = mandarin.for_espeak(text)
        return EspeakText(written, _UTF8 | (_PHONEMES if marked else 0))
    if voice == espeak_voices.JAPANESE and _KANJI.search(text):
        raise Unspeakable(NO_KANJI)
    return EspeakText(text)
