"""The three generations of live interpretation: what each calls things, allows and defaults to.

Law of this file: values. A ``Generation`` is a table with four questions: the settings
of a fresh session (``defaults``), a client's change to them (``merge``), the configuration as
the wire shows it (``describe``), and what the engines are to do (``task``). How a patch is read
stands in ``livetranslate_merge``, how it is shown in ``livetranslate_describe``.

Dialect ``snapshots`` (qwen3, qwen3.5) has a flat session object and cumulative text; dialect
``deltas`` (qwen3.8) a nested one and append-only text. The default source language is "find
out" for every generation; the ``en`` that the qwen3 page gives is one outcome of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from dragoman.protocol.interpretation import languages, session_object, session_update
from dragoman.protocol.interpretation.settings import InterpretationSettings, TurnDetection
from dragoman.protocol.interpretation.voices import QWEN3_VOICES, QWEN35_VOICES
from dragoman.speech import Coverage, Endpointing, Hints, Interpret, InterpretationOptions

OUTPUT_RATE_HZ = 24_000

_CONDUCT = InterpretationOptions()
Dialect = Literal["snapshots", "deltas"]


class Tariff(msgspec.Struct, frozen=True, kw_only=True):
    """Token rates: per second of speech in and out, and the side of an image's square (half a
    token each). ``asr_is_output``: source transcripts count as output text.
    """

    audio_in: float
    audio_out: float = 12.5
    image_square_px: int = 32
    asr_is_output: bool = False


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """One generation. ``spoken`` and ``text_only`` are target languages by the model page."""

    name: str
    dialect: Dialect
    spoken: tuple[str, ...]
    text_only: tuple[str, ...]
    voices: tuple[str, ...]
    default_voice: str
    transcribes_by_default: bool
    tariff: Tariff
    short_session: bool = False
    skips_same_language: bool = False
    hears_opus: bool = False
    rates_in: tuple[int, ...] = (16_000, 8_000)
    api: Literal["translation"] = "translation"

    @property
    def commit_under_vad(self) -> bool:
        """Whether a commit closes the open segment although the server finds the turns."""
        return self.dialect == "deltas"

    @property
    def rate_param(self) -> str:
        """Where a client of this generation sets the input rate."""
        nested = self.dialect == "deltas"
        return f"session.{'audio.input.format.' if nested else ''}sample_rate"

    @property
    def format_param(self) -> str:
        """Where a client of this generation sets the input format."""
        nested = self.dialect == "deltas"
        return "session.audio.input.format.type" if nested else "session.input_audio_format"

    @property
    def languages(self) -> tuple[str, ...]:
        """Every language of the model page, spoken ones first."""
        return self.spoken + self.text_only

    def defaults(self) -> InterpretationSettings:
        """The settings of a session before any update."""
        speaker = TurnDetection(type="speaker_detection", silence_ms=2500)
        return InterpretationSettings(
            voice=self.default_voice,
            transcribes=self.transcribes_by_default,
            detection=speaker if self.dialect == "deltas" else TurnDetection(),
        )

    def merge(
        self,
        settings: InterpretationSettings,
        patch: Mapping[str, Any],
        coverage: Coverage,
        *,
        strict: bool = False,
    ) -> InterpretationSettings:
        """``settings`` changed by the ``session`` object of a ``session.update``.

        Raises ``fields.Invalid`` for the first thing wrong with it; nothing is half applied.
        """
        return session_update.merge(self, settings, patch, coverage, strict=strict)

    def describe(
        self, settings: InterpretationSettings, session_id: str, model: str, *, created: bool
    ) -> dict[str, Any]:
        """The ``session`` object of ``session.created`` or ``session.updated``."""
        return session_object.describe(self, settings, session_id, model, created=created)

    def task(
        self, settings: InterpretationSettings, conduct: InterpretationOptions = _CONDUCT
    ) -> Interpret:
        """What the engines are to do under these settings; ``conduct`` is the server's own."""
        named = settings.voice in self.voices
        return Interpret(
            target=settings.target,
            source=settings.source,
            voice=settings.voice if named else self.default_voice,
            speak=settings.speaks,
            rate_in=settings.hearing_rate,
            opus_in=settings.opus_in,
            rate_out=OUTPUT_RATE_HZ,
            endpointing=self._endpointing(settings.detection),
            hints=Hints(phrases=settings.phrases, context=settings.context),
            by_speaker=_by_speaker(settings.detection),
            conduct=msgspec.structs.replace(conduct, **settings.conduct),
        )

    def _endpointing(self, detection: TurnDetection | None) -> Endpointing | None:
        if detection is None:
            return None
        fixed = self.dialect == "deltas"
        return Endpointing(
            threshold=0.5 if fixed else probability(detection.threshold),
            silence_ms=detection.silence_ms,
            prefix_ms=detection.prefix_ms,
        )


def _by_speaker(detection: TurnDetection | None) -> bool:
    return detection is not None and detection.type == "speaker_detection"


def probability(threshold: float) -> float:
    """The detector's probability for a wire threshold: -1 is 0.1, 0.2 is 0.5, 1 is 0.9."""
    if threshold <= 0.2:
        return round(0.1 + (threshold + 1.0) / 1.2 * 0.4, 6)
    return round(0.5 + (threshold - 0.2) / 0.8 * 0.4, 6)


QWEN3 = Generation(
    name="qwen3-livetranslate",
    dialect="snapshots",
    spoken=languages.QWEN3_SPOKEN,
    text_only=languages.QWEN3_TEXT_ONLY,
    voices=QWEN3_VOICES,
    default_voice="Cherry",
    transcribes_by_default=False,
    tariff=Tariff(audio_in=12.5, image_square_px=28, asr_is_output=True),
    short_session=True,
)

QWEN35 = Generation(
    name="qwen3.5-livetranslate",
    dialect="snapshots",
    spoken=languages.QWEN35_SPOKEN,
    text_only=languages.QWEN35_TEXT_ONLY,
    voices=QWEN35_VOICES,
    default_voice="Tina",
    transcribes_by_default=True,
    tariff=Tariff(audio_in=7.0),
    skips_same_language=True,
    hears_opus=True,
)

QWEN38 = Generation(
    name="qwen3.8-livetranslate",
    dialect="deltas",
    spoken=languages.QWEN35_SPOKEN,
    text_only=languages.QWEN35_TEXT_ONLY,
    voices=QWEN35_VOICES,
    default_voice="Tina",
    transcribes_by_default=True,
    tariff=Tariff(audio_in=7.0),
    rates_in=(16_000,),
)


def family_for(model: str) -> Generation | None:
    """The generation of a model name, or None if it is no interpretation model.

    Any name with ``livetranslate`` in it is one; without a known prefix it is the newest.
    """
    name = model.lower()
    if "livetranslate" not in name:
        return None
    if name.startswith("qwen3-"):
        return QWEN3
    if name.startswith("qwen3.5-"):
        return QWEN35
    return QWEN38
