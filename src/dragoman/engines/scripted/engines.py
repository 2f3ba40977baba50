"""Scripted engines: deterministic recognition, translation and speech for tests, yours and ours.

Scope: the same input gives the same output, bit for bit, on every machine and for any
chunking of the audio; ready in milliseconds; numpy only. They come in the roles of a cascade:

* ``ScriptedAsr`` recognises the words that the script puts on the time line of the *session's
  audio* (not of the turn). A window has the words whose middle lies in it, so consecutive windows
  have every word once, wherever the audio was cut, and no state is kept. Without a script every
  400 ms with sound in them are one word from a fixed list.
* ``ScriptedMt`` replaces words by the script's dictionary and tags the others: ``hello-es``.
* ``ScriptedTts`` speaks every word as a tone of its own pitch and length.
* ``ScriptedSpeaker`` distinguishes voices by their loudest pitch.

The end-to-end counterpart is in ``interpreter``, the file format in ``script_file``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from dragoman.engines.base import Caps, Info, Samples, Translation, Utterance, Window
from dragoman.engines.scripted.rules import (
    CELL_MS,
    is_loud,
    is_word,
    pieces,
    pitch_vector,
    rule_word,
    tones,
    translated,
)
from dragoman.engines.scripted.script_file import Scene, Script, ScriptedFailure, read_script
from dragoman.speech import HEARING_RATE_HZ, Hypothesis, Word

SAMPLES_PER_MS = HEARING_RATE_HZ // 1000
LICENCE = "Apache-2.0"
_OUTAGE_LOOK_S = 0.02


class Scripted:
    """Base of the engines with a script, which ``load`` reads. As long as the file ``outage``
    exists, every call fails, or hangs if the word ``hang`` is in it.
    """

    def __init__(self, *, script: str = "", outage: str = "") -> None:
        self._path = script
        self._script = Script()
        self._outage = Path(outage) if outage else None

    @property
    def _runs_in(self) -> Literal["loop", "thread"]:
        """The rules take microseconds; a script may ask for delays, which must not hold up the
        loop.
        """
        return "thread" if self._path or self._outage else "loop"

    def _suffer(self) -> None:
        """Raises ``ScriptedFailure`` during an outage, or waits for its end."""
        while self._outage is not None:
            try:
                hangs = "hang" in self._outage.read_text("utf-8")
            except FileNotFoundError:
                return
            if not hangs:
                raise ScriptedFailure("there is an outage")
            time.sleep(_OUTAGE_LOOK_S)

    def load(self) -> None:
        """Read the script. Raises ``EngineUnavailable`` when something in it is wrong."""
        self._script = read_script(self._path)

    def close(self) -> None:
        """Nothing to free."""


class ScriptedAsr(Scripted):
    """``WindowTranscriber`` that recognises what the script says at its time."""

    @property
    def info(self) -> Info:
        """Self-description."""
        return Info(
            name="scripted-asr",
            role="asr",
            licence=LICENCE,
            quality="scripted",
            runs_in=self._runs_in,
            languages=("*",),
            confidence_gate=0.5,
            max_batch=16,
            step_ms=320,
            about="Words from a script or, without one, a word for every 400 ms of sound",
        )

    def transcribe(self, windows: Sequence[Window]) -> list[Hypothesis]:
        """One hypothesis per window. Raises ``ScriptedFailure`` where the script says so."""
        self._suffer()
        return [self._one(window) for window in windows]

    def _one(self, window: Window) -> Hypothesis:
        samples = np.frombuffer(window.samples, np.float32)
        end_ms = window.at_ms + samples.size // SAMPLES_PER_MS
        if not self._script.scenes:
            return _by_rule(samples, window, end_ms)
        words: list[Word] = []
        confidence, language = 1.0, window.language or "en"
        for scene in self._script.scenes:
            found = _scene_words(scene, window.at_ms, end_ms)
            if not found:
                continue
            _wait(scene.delay_ms)
            words += found
            confidence = min(confidence, scene.confidence)
            language = scene.language or language
        return Hypothesis(tuple(words), confidence, language, stable=len(words))


def _scene_words(scene: Scene, start_ms: int, end_ms: int) -> list[Word]:
    """The scene's words that lie in the window; fails when the failing word is among them."""
    found = []
    for number, word in enumerate(scene.words, 1):
        if not start_ms <= (word.start_ms + word.end_ms) // 2 < end_ms:
            continue
        if number == scene.fail_at_word:
            raise ScriptedFailure(f"the script fails at word {number}, {word.text!r}")
        begins_ms = max(0, word.start_ms - start_ms)
        found.append(
            Word(word.text, word.confidence, begins_ms, min(word.end_ms, end_ms) - start_ms)
        )
    return found


def _by_rule(samples: Samples, window: Window, end_ms: int) -> Hypothesis:
    """One word for every cell of the session's time with its middle in the window and sound."""
    words = []
    half_ms = CELL_MS // 2
    for cell in range(-(-(window.at_ms - half_ms) // CELL_MS), -(-(end_ms - half_ms) // CELL_MS)):
        start_ms = max(0, cell * CELL_MS - window.at_ms)
        stop_ms = min(cell * CELL_MS + CELL_MS, end_ms) - window.at_ms
        if is_loud(samples[start_ms * SAMPLES_PER_MS : stop_ms * SAMPLES_PER_MS]):
            words.append(Word(rule_word(cell), 1.0, start_ms, stop_ms))
    return Hypothesis(tuple(words), 1.0, window.language or "en", stable=len(words))


class ScriptedMt(Scripted):
    """``Translator`` by dictionary and tags."""

    @property
    def info(self) -> Info:
        """Self-description."""
        return Info(
            name="scripted-mt",
            role="mt",
            licence=LICENCE,
            quality="scripted",
            runs_in=self._runs_in,
            languages=("*",),
            pairs=(("*", "*"),),
            takes_glossary=True,
            about="Words from the script's dictionary, others tagged with the target language",
        )

    def warm(self, source: str, target: str) -> None:
        """Nothing to warm."""

    def translate(self, request: Translation) -> str:
        """The translation. Raises ``ScriptedFailure`` for a text the script fails on."""
        table = self._script.translation
        self._suffer()
        _fail_on(table.fail_on, request.text)
        _wait(table.delay_ms)
        words = {**table.words.get(request.target, {}), **request.hints.phrases}
        return translated(request.text.strip(), request.target, words)


class ScriptedTts(Scripted):
    """``Synthesizer`` of tones; ``rate_hz`` is its native rate."""

    def __init__(self, *, script: str = "", outage: str = "", rate_hz: int = 24_000) -> None:
        super().__init__(script=script, outage=outage)
        self._rate_hz = rate_hz

    @property
    def info(self) -> Info:
        """Self-description."""
        return Info(
            name="scripted-tts",
            role="tts",
            licence=LICENCE,
            quality="scripted",
            runs_in=self._runs_in,
            languages=("*",),
            voices=("tone",),
            rate_hz=self._rate_hz,
            caps=Caps(first_sound_s=60.0),  # a script may ask for any delay
            controls=("rate", "pitch", "volume"),
            about="A tone for every word: pitch from the word and the voice, length from letters",
        )

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        """PCM word by word. Raises ``ScriptedFailure`` at the word the script fails on."""
        table = self._script.speech
        _wait(table.delay_ms)
        words = utterance.text.split()
        last = max(
            (n for n, word in enumerate(words) if any(map(is_word, pieces(word)))), default=0
        )
        for number, word in enumerate(words):
            self._suffer()
            _fail_on(table.fail_on, word)
            yield from tones(
                word,
                voice=utterance.voice,
                rate_hz=self._rate_hz,
                lengths=table,
                rate=utterance.rate,
                pitch=utterance.pitch,
                volume=utterance.volume,
                pause=utterance.pause if number == last else 1.0,
            )


class ScriptedSpeaker:
    """``SpeakerEncoder`` by the loudest pitch: the same note is the same voice, three semitones
    apart are two.
    """

    @property
    def info(self) -> Info:
        """Self-description."""
        return Info(
            name="scripted-speaker",
            role="speaker",
            licence=LICENCE,
            quality="scripted",
            runs_in="loop",
            languages=("*",),
            about="Voices by their loudest pitch between 50 Hz and 8 kHz",
        )

    def load(self) -> None:
        """Nothing to load."""

    def close(self) -> None:
        """Nothing to free."""

    def encode(self, samples: Samples) -> Samples:
        """A unit vector, shape (96,); zeros for silence."""
        return pitch_vector(samples)


def _fail_on(words: Sequence[str], text: str) -> None:
    for word in words:
        if word.lower() in text.lower():
            raise ScriptedFailure(f"the script fails on {word!r}")


def _wait(delay_ms: int) -> None:
    """The wall clock delay that a script asked for; engines may block."""
    if delay_ms:
        time.sleep(delay_ms / 1000)
