"""The settings of an interpretation session, one value for all generations.

Scope: values with defaults; nothing is checked here. A session keeps one of these and
every turn keeps the one it was opened with, so a change never reaches into a running turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from dragoman.protocol.audio_input.turn_detection import TurnDetection
from dragoman.speech import HEARING_RATE_HZ

ASR_MODEL = "qwen3-asr-flash-realtime"

SkipPlace = Literal["", "session", "translation"]


class InterpretationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a client can configure.

    ``voice`` is what the wire echoes: a name of the family's table or a clone; ``voice_refused``
    is the unknown name it replaced, for the log. ``asr_language`` and ``source_language`` both
    declare the speaker's language; the first is the documented one and wins. ``options``
    holds what the client overrides of the server's ``InterpretationOptions``.
    """

    modalities: tuple[str, ...] = ("text", "audio")
    voice: str
    voice_refused: str = ""
    sample_rate: int = 16_000
    opus_in: bool = False
    detection: TurnDetection | None = TurnDetection()

    transcribes: bool = True
    asr_given: bool = False
    asr_language: str | None = None
    context: str = ""

    target: str = "en"
    source_language: str | None = None
    corpus: Mapping[str, Any] | None = None
    phrases: Mapping[str, str] = {}
    options: Mapping[str, Any] = {}

    skip_place: SkipPlace = ""
    skip_text: bool = False
    skip_audio: bool = False

    enable_voice_clone: bool | None = None
    clone_frequency: str | None = None

    @property
    def source(self) -> str | None:
        """The declared language of the speaker, or None to find out."""
        return self.asr_language or self.source_language

    @property
    def rate_in(self) -> int:
        """The rate of the PCM that is recognised, Hz; Opus is decoded to the best."""
        return HEARING_RATE_HZ if self.opus_in else self.sample_rate

    @property
    def speaks(self) -> bool:
        """Whether the translation is spoken too."""
        return "audio" in self.modalities

    @property
    def manual(self) -> bool:
        """Whether the client ends the turns."""
        return self.detection is None
