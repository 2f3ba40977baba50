"""Speech in some seventy languages by espeak-ng 1.52, a formant synthesizer.

Law of this file: espeak-ng is GPL-3 and not thread-safe, so the library is opened in ``load``
only, and ``load`` is called only in a worker process (``runs_in="process"``); describing the
engine opens nothing. Library and data come with the ``espeakng-loader`` package; distribution
packages of 1.51 cannot read Chinese.

espeak calls back while it synthesizes, about every 60 ms of sound; ``engines.pulling`` turns that
into an iterator whose first piece is there after some 0.2 ms. User text goes in as plain UTF-8:
the flags for SSML and phoneme input are never given. Its output is not repeatable to the sample.
API: ``speak_lib.h`` of espeak-ng.
"""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Iterator
from pathlib import Path

from dragoman.audio.pcm import EdgeTrim, amplified, silence
from dragoman.engines import espeak_voices
from dragoman.engines.base import EngineUnavailable, Info, Utterance
from dragoman.engines.bundled import pip_install
from dragoman.engines.plain_text import has_words, pause_ms, plain
from dragoman.engines.pulling import OneAtATime, Put, pulled

RATE_HZ = 22_050
_BUFFER_MS = 60
_GATHERED = 5  # callbacks, some 40 µs each: waking the reader for each would cost as much
_WORDS_PER_MINUTE = 175
_SYNCHRONOUS, _DONT_EXIT = 2, 0x8000
_UTF8 = 1
_RATE, _PITCH = 1, 3
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)

_LINE = OneAtATime()  # one per process, as the library is


class _Library:
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
        self._callback = _CALLBACK(self._voiced)  # kept: the library holds only a pointer
        self._lib.espeak_SetSynthCallback(self._callback)
        self._put: Put | None = None
        self._made: list[bytes] = []
        self._due = 0  # pieces to gather before they are handed on
        self._voice = ""

    def _voiced(self, samples: ctypes._Pointer[ctypes.c_short], count: int, _events: int) -> int:
        if not samples or count <= 0 or self._put is None:
            return 0
        self._made.append(ctypes.string_at(samples, count * 2))
        if len(self._made) < self._due:
            return 0
        self._due = _GATHERED  # the first piece goes at once, the others together
        return 0 if self._hand_on() else 1

    def _hand_on(self) -> bool:
        pcm = b"".join(self._made)
        self._made.clear()
        return self._put is not None and (not pcm or self._put(pcm))

    def speak(self, text: str, voice: str, words_per_minute: int, pitch: int, put: Put) -> None:
        """Synthesize; returns when the text is spoken or ``put`` asked to stop."""
        if voice != self._voice:
            self._voice = ""
            self._check(self._lib.espeak_SetVoiceByName(voice.encode()), f"voice {voice}")
            self._voice = voice
        self._check(self._lib.espeak_SetParameter(_RATE, words_per_minute, 0), "rate")
        self._check(self._lib.espeak_SetParameter(_PITCH, pitch, 0), "pitch")
        data = text.encode("utf-8", "replace") + b"\0"
        self._put, self._due = put, 1
        try:
            self._check(
                self._lib.espeak_Synth(data, len(data), 0, 1, 0, _UTF8, None, None), "speech"
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
def _library() -> _Library:
    try:
        import espeakng_loader  # noqa: PLC0415 - optional, and GPL: only when loaded
    except ImportError:
        raise EngineUnavailable(
            f"espeak-ng is not installed. Mend it with: {pip_install('espeakng-loader==0.2.4')}"
        ) from None
    try:
        return _Library(espeakng_loader.get_library_path(), espeakng_loader.get_data_path())
    except OSError:
        raise EngineUnavailable(
            "the espeak-ng library cannot be opened on this system: "
            "reinstall the Python package espeakng-loader for this platform"
        ) from None


def _pitch_level(factor: float) -> int:
    """Level 0..99 for a factor on the voice's own pitch: 0 halves it, 50 keeps it."""
    return max(0, min(99, round(50 + 50 * math.log2(max(0.1, factor)))))


class Espeak:
    """Synthesizer on espeak-ng; see the module."""

    def __init__(self) -> None:
        self.info = Info(
            name="espeak",
            role="tts",
            licence="GPL-3.0-or-later",
            quality="basic",
            runs_in="process",
            languages=tuple(sorted(espeak_voices.LANGUAGES)),
            voices=espeak_voices.NAMES,
            rate_hz=RATE_HZ,
            controls=("rate", "pitch", "volume"),
            about="espeak-ng 1.52: understandable, plainly a machine; a millisecond per sentence",
        )
        self._loaded: _Library | None = None

    def load(self) -> None:
        """Open the library and say one word, so that the first client need not wait for it."""
        self._loaded = _library()
        for _ in self.synthesize(Utterance(text="ready", voice="", language="en")):
            pass

    def close(self) -> None:
        """Forget the library; it stays open for other engine objects of the process."""
        self._loaded = None

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        """As in the Protocol; the edges are trimmed and a pause fits the last punctuation.

        Raises ``ValueError`` for a language espeak has no voice for, ``RuntimeError`` before
        ``load`` and when espeak reports an error.
        """
        library = self._loaded
        if library is None:
            raise RuntimeError("espeak is not loaded")
        voice = espeak_voices.identifier(utterance.language)
        if voice is None:
            raise ValueError(f"espeak has no voice for the language {utterance.language!r}")
        timbre = espeak_voices.timbre(utterance.voice)
        text = plain(utterance.text)
        if not has_words(text):
            return
        rate = max(80, min(450, round(_WORDS_PER_MINUTE * utterance.rate)))
        speak = functools.partial(
            library.speak,
            text,
            f"{voice}+{timbre.variant}",
            rate,
            _pitch_level(timbre.pitch * utterance.pitch),
        )
        gain = timbre.gain * utterance.volume / 50
        trim = EdgeTrim(RATE_HZ)
        pieces = pulled(_LINE, speak)
        try:
            for piece in pieces:
                if kept := trim.feed(piece):
                    yield amplified(kept, gain)
        finally:
            pieces.close()
        if kept := trim.finish():
            pause = silence(pause_ms(text) * _WORDS_PER_MINUTE / rate, RATE_HZ)
            yield amplified(kept, gain) + pause
