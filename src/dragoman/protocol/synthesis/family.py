"""The model families of the synthesis API: what each offers, checks and defaults to.

Scope: values and pure functions. ``merge`` reads a client's patch, ``created`` and
``updated`` show the settings on the wire, ``task`` says what the engines are to do.

* A patch changes only what it names; ``null`` and unknown keys say nothing; one wrong field and
  nothing is changed.
* ``session.updated`` shows the optional fields a client ever set, and the language as the client
  spelled it, since one real client compares for equality.
* An option that a family does not have (``speech_rate`` on the classic model) is ignored.
* A voice that is not in the list is spoken by the family's default voice and shown as asked for,
  so that enrolled voices (``qwen-tts-vc-…``) of an existing program keep working; strict: error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from dragoman.protocol.core import fields
from dragoman.protocol.core.client_text import shown
from dragoman.protocol.core.fields import Invalid
from dragoman.protocol.core.token_estimate import text_tokens
from dragoman.protocol.synthesis import voices
from dragoman.protocol.synthesis.events import CreatedSession, UpdatedSession
from dragoman.speech import Coverage, Format, Speak

LANGUAGES: Mapping[str, str | None] = {
    "Auto": None,
    "Chinese": "zh",
    "English": "en",
    "German": "de",
    "Italian": "it",
    "Portuguese": "pt",
    "Spanish": "es",
    "Japanese": "ja",
    "Korean": "ko",
    "French": "fr",
    "Russian": "ru",
}
"""The names of the API and their BCP-47 tags; None is left to the engines, per segment."""

Mode = Literal["server_commit", "commit"]
MODES: tuple[Mode, ...] = ("server_commit", "commit")
FORMATS: tuple[Format, ...] = ("pcm", "wav", "mp3", "opus")
SAMPLE_RATES = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
INSTRUCTION_TOKENS = 1600
BIT_RATE = 128
_VOICE_CHARS = 256
_FIRST_SNAPSHOT = "2025-09-18"
_SOUND = ("speech_rate", "pitch_rate", "volume", "bit_rate")
_INSTRUCTIONS = ("instructions", "optimize_instructions")


class SynthesisSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a session. UNSET: the client never set it."""

    voice: str
    mode: Mode = "server_commit"
    response_format: Format = "pcm"
    sample_rate: int = 24_000
    language_type: str | UnsetType = UNSET
    speech_rate: float | UnsetType = UNSET
    pitch_rate: float | UnsetType = UNSET
    volume: int | UnsetType = UNSET
    bit_rate: int | UnsetType = UNSET
    instructions: str | UnsetType = UNSET
    optimize_instructions: bool | UnsetType = UNSET
    enable_tn: bool | UnsetType = UNSET


def _language(value: Any, param: str) -> str:
    fields.enum(value, tuple(LANGUAGES), param, casefold=True)
    return str(value)


def _instructions(value: Any, param: str) -> str:
    text = fields.text(value, param, max_chars=4 * INSTRUCTION_TOKENS)
    if text_tokens(text) > INSTRUCTION_TOKENS:
        raise Invalid(
            f"Invalid value: the instructions are longer than {INSTRUCTION_TOKENS} tokens.", param
        )
    return text


Check = Callable[[Any, str], Any]
_CHECKS: Mapping[str, Check] = {
    "voice": lambda value, at: fields.text(value, at, max_chars=_VOICE_CHARS),
    "mode": lambda value, at: fields.enum(value, MODES, at),
    "response_format": lambda value, at: fields.enum(value, FORMATS, at, casefold=True),
    "sample_rate": lambda value, at: fields.choice(value, SAMPLE_RATES, at),
    "language_type": _language,
    "speech_rate": lambda value, at: fields.number(value, 0.5, 2.0, at),
    "pitch_rate": lambda value, at: fields.number(value, 0.5, 2.0, at),
    "volume": lambda value, at: fields.integer(value, 0, 100, at),
    "bit_rate": lambda value, at: fields.integer(value, 6, 510, at),
    "instructions": _instructions,
    "optimize_instructions": fields.boolean,
    "enable_tn": fields.boolean,
}


class SynthesisFamily(msgspec.Struct, frozen=True, kw_only=True):
    """One family. ``lacks`` names the options it ignores; ``token_rate`` is audio tokens per
    second, ``token_floor`` the least that any audio costs.
    """

    name: str
    voices: tuple[str, ...]
    default_voice: str = "Cherry"
    lacks: frozenset[str] = frozenset(_INSTRUCTIONS)
    strict_rates: tuple[int, ...] = SAMPLE_RATES
    strict_formats: tuple[Format, ...] = FORMATS
    token_rate: float = 12.5
    token_floor: int = 0

    def defaults(self) -> SynthesisSettings:
        """The settings before any update; good enough to speak with."""
        return SynthesisSettings(voice=self.default_voice)

    def merge(
        self,
        settings: SynthesisSettings,
        patch: Mapping[str, Any],
        coverage: Coverage,
        *,
        strict: bool = False,
    ) -> SynthesisSettings:
        """``settings`` changed by the ``session`` object of a ``session.update``. Raises
        ``fields.Invalid`` for the first field that is wrong.
        """
        changes = {
            name: check(patch[name], f"session.{name}")
            for name, check in _CHECKS.items()
            if name not in self.lacks and fields.given(patch, name)
        }
        merged = msgspec.structs.replace(settings, **changes)
        if "language_type" in changes:
            _check_spoken(merged, coverage)
        if strict:
            self._check_strictly(merged, changes)
        return merged

    def has_voice(self, voice: str) -> bool:
        """Whether the voice list has this name (for any family: sharing them does no harm)."""
        return voice in voices.VOICES

    def task(self, settings: SynthesisSettings) -> Speak:
        """What the engines are to do under these settings."""
        return Speak(
            voice=settings.voice if self.has_voice(settings.voice) else self.default_voice,
            language=language_of(settings),
            format=settings.response_format,
            sample_rate=settings.sample_rate,
            bit_rate=_or(settings.bit_rate, BIT_RATE),
            rate=_or(settings.speech_rate, 1.0),
            pitch=_or(settings.pitch_rate, 1.0),
            volume=_or(settings.volume, 50),
            instructions=_or(settings.instructions, "") or None,
        )

    def audio_tokens(self, samples: int, rate_hz: int) -> int:
        """What so much speech costs."""
        if samples == 0:
            return 0
        # Whole numbers: float seconds would round some exact lengths up.
        halves = round(self.token_rate * 2)
        return max(self.token_floor, -(-samples * halves // (2 * rate_hz)))

    def _check_strictly(self, settings: SynthesisSettings, changes: Mapping[str, Any]) -> None:
        if "voice" in changes and settings.voice not in self.voices:
            raise Invalid(
                f"The requested voice '{shown(settings.voice)}' is not supported.", "session.voice"
            )
        if "sample_rate" in changes:
            fields.choice(settings.sample_rate, self.strict_rates, "session.sample_rate")
        if "response_format" in changes:
            fields.enum(settings.response_format, self.strict_formats, "session.response_format")


def language_of(settings: SynthesisSettings) -> str | None:
    """The declared language as BCP-47, or None for Auto."""
    declared = _or(settings.language_type, "Auto")
    return LANGUAGES[fields.enum(declared, tuple(LANGUAGES), "", casefold=True)]


def created(settings: SynthesisSettings, session_id: str, model: str) -> dict[str, Any]:
    """The session as ``session.created`` shows it."""
    shown = CreatedSession(
        mode=settings.mode,
        model=model,
        voice=settings.voice,
        response_format=settings.response_format,
        sample_rate=settings.sample_rate,
        id=session_id,
    )
    return dict(msgspec.to_builtins(shown))


def updated(
    settings: SynthesisSettings, session_id: str, model: str, *, lower_case: bool = False
) -> dict[str, Any]:
    """The session as ``session.updated`` shows it: what the client set, and no more.

    ``lower_case``: the language as a recording shows it, not as the client spelled it.
    """
    if lower_case and settings.language_type is not UNSET:
        language = settings.language_type.lower()
        settings = msgspec.structs.replace(settings, language_type=language)
    shown = UpdatedSession(id=session_id, model=model, **msgspec.structs.asdict(settings))
    return dict(msgspec.to_builtins(shown))


def _check_spoken(settings: SynthesisSettings, coverage: Coverage) -> None:
    language = language_of(settings)
    if language is None or coverage.can_speak(language):
        return
    covered = [name for name, tag in LANGUAGES.items() if tag is None or coverage.can_speak(tag)]
    raise fields.refusal(
        settings.language_type,
        ", ".join(f"'{name}'" for name in covered),
        "session.language_type",
    )


def _or(value: Any, default: Any) -> Any:
    return default if value is UNSET else value


CLASSIC = SynthesisFamily(
    name="qwen-tts",
    voices=voices.CLASSIC,
    lacks=frozenset(_SOUND + _INSTRUCTIONS),
    strict_rates=(24_000,),
    strict_formats=("pcm",),
    token_rate=50.0,
    token_floor=50,
)
FLASH = SynthesisFamily(name="qwen3-tts-flash", voices=voices.FLASH)
FIRST_FLASH = SynthesisFamily(name="qwen3-tts-flash", voices=voices.FIRST_FLASH)
"""The first snapshot, which has 17 of the voices; only a strict server makes a difference."""
INSTRUCT = SynthesisFamily(name="qwen3-tts-instruct", voices=voices.INSTRUCT, lacks=frozenset())
CLONED = SynthesisFamily(name="qwen3-tts-vc", voices=())
DESIGNED = SynthesisFamily(name="qwen3-tts-vd", voices=())

FAMILIES = (CLASSIC, FLASH, INSTRUCT, CLONED, DESIGNED)


def family_for(model: str) -> SynthesisFamily | None:
    """The family of a model name: any ``*tts*realtime*`` has one, snapshots and all."""
    name = model.lower()
    kind, _, rest = name.partition("tts")
    if "realtime" not in rest:
        return None
    if "instruct" in rest:
        return INSTRUCT
    if "-vc" in rest:
        return CLONED
    if "-vd" in rest:
        return DESIGNED
    if kind == "qwen-" and "flash" not in rest:
        return CLASSIC
    return FIRST_FLASH if _FIRST_SNAPSHOT in rest else FLASH
