"""What a generation of live interpretation is: a table of what it calls, allows and defaults to.

Scope: the shape of the table and the task for the engines; the three generations stand in
``generations``. Wherever generations differ, the difference is a field here; nothing compares
names. How a client's patch is read stands in ``session_update``, how settings are shown in
``session_object``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from dragoman.protocol.audio_input.turn_detection import (
    DetectionType,
    TurnDetection,
    endpointing,
)
from dragoman.protocol.interpretation.settings import InterpretationSettings
from dragoman.protocol.interpretation.text_writers import TextWriter, TurnIds
from dragoman.speech import Hints, Interpret, InterpretationOptions

OUTPUT_RATE_HZ = 24_000

SessionShape = Literal["short", "flat", "nested"]
_OPTIONS = InterpretationOptions()


class Tariff(msgspec.Struct, frozen=True, kw_only=True):
    """Token rates: per second of speech in and out, and the side of an image's square (half a
    token each). ``asr_is_output``: source transcripts count as output text.
    """

    audio_in: float
    audio_out: float = 12.5
    image_square_px: int = 32
    asr_is_output: bool = False


class UpdatePaths(msgspec.Struct, frozen=True, kw_only=True):
    """Where a client of the generation sets things, for error messages. ``nested_first``: the
    nested form of a setting wins over the flat one.
    """

    nested_first: bool = False
    rate_in: str = "session.sample_rate"
    format_in: str = "session.input_audio_format"
    voice: str = "session.voice"


NESTED_PATHS = UpdatePaths(
    nested_first=True,
    rate_in="session.audio.input.format.sample_rate",
    format_in="session.audio.input.format.type",
    voice="session.audio.output.voice",
)


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """One generation.

    ``spoken``, ``text_only``: target languages by the model page. ``writer`` makes a turn's text
    events. ``session_shape``: the form of the ``session`` object; ``pcm_in_name``,
    ``pcm_out_name``: what it calls the formats. ``detection``: turn detection before any update;
    ``detection_types``: the allowed ones, the default first; ``fixed_threshold``: the detector's
    probability where the client's threshold has no effect. ``needs_translation``: a strict server
    wants a target language in every update.
    """

    name: str
    spoken: tuple[str, ...]
    text_only: tuple[str, ...]
    voices: tuple[str, ...]
    default_voice: str
    tariff: Tariff
    writer: Callable[[TurnIds, bool, Callable[[], str]], TextWriter]
    session_shape: SessionShape
    update_paths: UpdatePaths = UpdatePaths()
    pcm_in_name: str = "pcm"
    pcm_out_name: str = "pcm"
    detection: TurnDetection = TurnDetection()
    detection_types: tuple[DetectionType, ...] = ("server_vad",)
    fixed_threshold: float | None = None
    rates_in: tuple[int, ...] = (16_000, 8_000)

    transcribes_by_default: bool = True
    transcribes_always: bool = False
    needs_translation: bool = False
    skips_same_language: bool = False
    accepts_opus: bool = False
    commit_under_vad: bool = False
    """Whether a commit closes the open turn although the server finds the turns."""
    opens_response_with_turn: bool = False
    """Whether the response opens with the turn, before anything was recognised."""
    bare_response_created: bool = False
    """Whether ``response.created`` comes without conversation id and voice, as recorded."""
    shows_speaker: bool = False
    has_transcription_failed: bool = True

    @property
    def languages(self) -> tuple[str, ...]:
        """Every language of the model page, spoken ones first."""
        return self.spoken + self.text_only

    def defaults(self) -> InterpretationSettings:
        """The settings of a session before any update."""
        return InterpretationSettings(
            voice=self.default_voice,
            transcribes=self.transcribes_by_default,
            detection=self.detection,
        )

    def task(
        self, settings: InterpretationSettings, options: InterpretationOptions = _OPTIONS
    ) -> Interpret:
        """What the engines are to do under these settings; ``options`` are the server's own."""
        named = settings.voice in self.voices
        detection = settings.detection
        return Interpret(
            target=settings.target,
            source=settings.source,
            voice=settings.voice if named else self.default_voice,
            speak=settings.speaks,
            rate_in=settings.rate_in,
            opus_in=settings.opus_in,
            rate_out=OUTPUT_RATE_HZ,
            endpointing=endpointing(detection, self.fixed_threshold),
            hints=Hints(phrases=settings.phrases, context=settings.context),
            by_speaker=detection is not None and detection.type == "speaker_detection",
            conduct=msgspec.structs.replace(options, **settings.options),
        )
