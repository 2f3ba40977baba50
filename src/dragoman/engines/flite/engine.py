"""English speech by flite 2.2, the small CMU synthesizer.

Scope: libflite is opened in ``load`` only. Its licence is permissive, but long words can
keep it busy for seconds and a bug in C code would end the server, so it runs in worker processes.
Voices are shared libraries beside it; Debian and Ubuntu have them all in ``libflite1``.

flite calls back while it synthesizes. Times are measured per 60 characters: slt and awb start
after 12 ms, kal16 after 1 ms. ``duration_stretch`` sets the pace and ``f0_shift`` the pitch. rms
ignores the latter: it is resampled, which moves its formants along.
API: ``flite.h``, ``cst_audio.h`` and ``cst_wave.h`` of flite 2.2.
"""

from __future__ import annotations

import ctypes
import functools
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from dragoman.engines.base import EngineUnavailable, Info, Utterance
from dragoman.engines.flite import voices as flite_voices
from dragoman.engines.shared.callback_stream import ProducerLock, Put, iterate_audio
from dragoman.engines.shared.opened import OpensOnce
from dragoman.engines.shared.pcm_shaping import shaped
from dragoman.engines.shared.voice_table import NAMES, VoiceTable
from dragoman.text.language_tags import primary_tag
from dragoman.text.spoken import is_speakable, pause_ms, sanitized

RATE_HZ = 16_000
_LONGEST_TOKEN = 40
_FIRST_SAMPLES = 1024
_GO_ON, _STOP = 0, -1
_MEND = "flite is not installed: apt-get install libflite1"


class _Wave(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    )


_CALLBACK = ctypes.CFUNCTYPE(
    *(ctypes.c_int, ctypes.POINTER(_Wave), ctypes.c_int, ctypes.c_int, ctypes.c_int),
    ctypes.c_void_p,
)


class _Streaming(ctypes.Structure):  # the beginning of cst_audio_streaming_info
    _fields_ = (("min_buffsize", ctypes.c_int), ("callback", _CALLBACK))


class _Voice(ctypes.Structure):  # the beginning of cst_voice
    _fields_ = (("name", ctypes.c_char_p), ("features", ctypes.c_void_p))


_PITCHLESS = "rms"
_VARIANTS = ("slt", "rms", "awb", "kal16")

_LOCK = ProducerLock()  # one per process: a voice has one callback, that of the current text


class _FliteLibrary:
    """libflite and its voices; one per process."""

    def __init__(self) -> None:
        everywhere = ctypes.RTLD_GLOBAL  # the voice libraries need the symbols of the others
        lib = ctypes.CDLL("libflite.so.1", mode=everywhere)
        for name in ("cmulex", "usenglish"):
            ctypes.CDLL(f"libflite_{name}.so.1", mode=everywhere)
        lib.new_audio_streaming_info.restype = ctypes.POINTER(_Streaming)
        lib.audio_streaming_info_val.restype = ctypes.c_void_p
        lib.audio_streaming_info_val.argtypes = [ctypes.POINTER(_Streaming)]
        lib.feat_set.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        lib.feat_set_float.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_float]
        lib.flite_text_to_wave.restype = ctypes.POINTER(_Wave)
        lib.flite_text_to_wave.argtypes = [ctypes.c_char_p, ctypes.POINTER(_Voice)]
        lib.delete_wave.argtypes = [ctypes.POINTER(_Wave)]
        lib.flite_init()
        self._lib = lib
        self._put: Put | None = None
        self._callback = _CALLBACK(self._on_audio)  # kept: the library holds only a pointer
        self._voices = {name: self._open(name) for name in _VARIANTS}

    def _open(self, name: str) -> Any:
        library = ctypes.CDLL(f"libflite_cmu_us_{name}.so.1", mode=ctypes.RTLD_GLOBAL)
        register = getattr(library, f"register_cmu_us_{name}")
        register.restype = ctypes.POINTER(_Voice)
        register.argtypes = [ctypes.c_char_p]
        voice = register(None)
        streaming = self._lib.new_audio_streaming_info()
        streaming.contents.min_buffsize = _FIRST_SAMPLES
        streaming.contents.callback = self._callback
        value = self._lib.audio_streaming_info_val(streaming)
        self._lib.feat_set(voice.contents.features, b"streaming_info", value)
        return voice

    def _on_audio(self, wave: Any, start: int, size: int, _last: int, _info: int) -> int:
        if size <= 0 or self._put is None:
            return _GO_ON
        address = ctypes.addressof(wave.contents.samples.contents) + 2 * start
        return _GO_ON if self._put(ctypes.string_at(address, 2 * size)) else _STOP

    def speak(self, text: bytes, name: str, stretch: float, pitch: float, put: Put) -> None:
        """Synthesize; returns when the text is spoken or ``put`` asked to stop."""
        voice = self._voices[name]
        self._lib.feat_set_float(voice.contents.features, b"duration_stretch", stretch)
        self._lib.feat_set_float(voice.contents.features, b"f0_shift", pitch)
        self._put = put
        try:
            wave = self._lib.flite_text_to_wave(text, voice)
        finally:
            self._put = None
        if wave:
            self._lib.delete_wave(wave)


@functools.cache
def _library() -> _FliteLibrary:
    try:
        return _FliteLibrary()
    except OSError:
        raise EngineUnavailable(_MEND) from None


# Decomposition would make "12" of "½" and "x2" of "x²".
_SMALL_FIGURE = {
    "½": "one half",
    "¼": "a quarter",
    "¾": "three quarters",
    "⅓": "a third",
    "⅔": "two thirds",
    "²": "squared",
    "³": "cubed",
    "°": "degrees",
}
_MIXED = re.compile("(?<=[0-9])(?=[½¼¾⅓⅔])")
_SMALL_FIGURES = re.compile("[" + "".join(_SMALL_FIGURE) + "]")


def _ascii(text: str) -> str:
    """What flite can read: accents dropped, typographic marks made plain, the rest left out."""
    plainer = text.translate({0x2019: "'", 0x2018: "'", 0x201C: '"', 0x201D: '"', 0x2026: "..."})
    plainer = plainer.replace("–", ", ").replace("—", ", ")
    plainer = _MIXED.sub(" and ", plainer)  # 1½
    plainer = _SMALL_FIGURES.sub(lambda found: f" {_SMALL_FIGURE[found[0]]} ", plainer)
    return unicodedata.normalize("NFKD", plainer).encode("ascii", "ignore").decode()


class Flite(OpensOnce[_FliteLibrary]):
    """Synthesizer on libflite; see the module. ``voices`` is a table as in ``voice_table``."""

    info = Info(
        name="flite",
        role="tts",
        licence="BSD-like (CMU)",
        quality="basic",
        runs_in="process",
        languages=("en",),
        voices=NAMES,
        rate_hz=RATE_HZ,
        controls=("rate", "pitch", "volume"),
        about="flite 2.2: clear American English (slt, rms, kal16) and Scottish (awb)",
    )
    sounds = VoiceTable(flite_voices.TABLE, {})

    def __init__(self, voices: str = "") -> None:
        self._voices = voices

    def load(self) -> None:
        """Open the library and its voices; say a word with the two that most clients get."""
        super().load()
        self.sounds = self.sounds.changed(self._voices, _VARIANTS)
        for voice in ("Cherry", "Ethan"):
            for _ in self.synthesize(Utterance(text="ready", voice=voice, language="en")):
                pass

    def _open(self) -> _FliteLibrary:
        return _library()

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        """As in the Protocol; the edges are trimmed and a pause fits the last punctuation.

        Raises ``ValueError`` for a language other than English, ``EngineUnavailable`` before
        ``load``.
        """
        library = self._opened
        if primary_tag(utterance.language) != "en":
            raise ValueError(f"flite speaks English only, not {utterance.language!r}")
        text = sanitized(_ascii(utterance.text), longest_token=_LONGEST_TOKEN)
        if not is_speakable(text):
            return
        sound = self.sounds.of(utterance.voice)
        stretch = 1 / max(0.25, min(4.0, utterance.rate))
        pitch, size = sound.pitch * utterance.pitch, sound.size
        if sound.variant == _PITCHLESS:
            size = 1 / pitch
        speak = functools.partial(
            library.speak, text.encode(), sound.variant, stretch / size, pitch * size
        )
        yield from shaped(
            iterate_audio(_LOCK, speak),
            RATE_HZ,
            size=size,
            gain=self.sounds.gain(utterance.voice, "en") * utterance.volume / 50,
            pause_ms=pause_ms(text) * utterance.pause * stretch,
        )
