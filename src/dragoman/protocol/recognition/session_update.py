"""Reading the ``session`` object of a ``session.update`` for a recognition session.

Scope: a patch either becomes a whole new ``RecognitionSettings`` or raises ``Invalid``. The top
level is merged, nested objects replace what was there. Only an explicit ``null`` turns detection
off; ``null`` for the transcription means "detect the language". Keys of other APIs are ignored, as
the SDKs send them in every update.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from dragoman.protocol.audio_input.turn_detection import read_detection
from dragoman.protocol.core import fields
from dragoman.protocol.core.fields import Invalid
from dragoman.protocol.core.languages import canonical
from dragoman.protocol.core.token_estimate import cut_to_tokens
from dragoman.protocol.recognition.settings import SILENCE_MS, RecognitionSettings
from dragoman.speech import Coverage

_CODES = "zh yue en ja de ko ru fr pt ar it es hi id th tr uk vi cs da fil fi is ms no pl sv"
LANGUAGES = tuple(_CODES.split())
"""Those of the model page."""

CONTEXT_TOKENS = 10_000
_FORMATS = ("pcm", "pcm16", "opus")
_TRANSCRIPTION = "session.input_audio_transcription"
_DETECT = ("", "auto")


def merge(
    settings: RecognitionSettings, patch: Mapping[str, Any], coverage: Coverage, *, strict: bool
) -> RecognitionSettings:
    """``settings`` changed by a client's patch. Raises ``Invalid`` for the first wrong field."""
    changes: dict[str, Any] = {}
    if fields.given(patch, "modalities"):
        _check_modalities(patch["modalities"])
    if fields.given(patch, "input_audio_format"):
        value = patch["input_audio_format"]
        changes["opus_in"] = fields.enum(value, _FORMATS, "session.input_audio_format") == "opus"
    if fields.given(patch, "sample_rate"):
        rate = fields.choice(patch["sample_rate"], (16_000, 8_000), "session.sample_rate")
        changes["sample_rate"] = rate
    if "input_audio_transcription" in patch:
        changes.update(_transcription(patch["input_audio_transcription"], coverage, strict=strict))
    if "turn_detection" in patch:
        changes["detection"] = read_detection(
            patch["turn_detection"],
            "session.turn_detection",
            ("server_vad",),
            "server_vad",
            {"server_vad": SILENCE_MS},
        )
    return msgspec.structs.replace(settings, **changes)


def _check_modalities(value: Any) -> None:
    if not isinstance(value, list) or "text" not in value:
        raise fields.refusal(value, "['text']", "session.modalities")


def _transcription(asked: Any, coverage: Coverage, *, strict: bool) -> dict[str, Any]:
    changes: dict[str, Any] = {"language": None, "context": ""}
    if asked is None:
        return changes
    value = fields.mapping(asked, _TRANSCRIPTION)
    if fields.given(value, "language"):
        param = f"{_TRANSCRIPTION}.language"
        changes["language"] = _language(value["language"], param, coverage, strict=strict)
    if fields.given(value, "corpus"):
        corpus = fields.mapping(value["corpus"], f"{_TRANSCRIPTION}.corpus")
        if fields.given(corpus, "text"):
            param = f"{_TRANSCRIPTION}.corpus.text"
            text = fields.text(corpus["text"], param)
            changes["context"] = cut_to_tokens(text, CONTEXT_TOKENS)
    return changes


def _language(value: Any, param: str, coverage: Coverage, *, strict: bool) -> str | None:
    """The declared language in the client's spelling, narrowed to its primary tag; None: detect."""
    given = fields.text(value, param, max_chars=35).strip()
    if given.lower() in _DETECT:
        return None
    if strict:
        return fields.enum(given, LANGUAGES, param)
    code = canonical(given)
    if coverage.can_hear(code) and (code in _KNOWN or "*" not in coverage.hears):
        return given.replace("_", "-").split("-")[0].lower()
    covered = sorted(_KNOWN if "*" in coverage.hears else coverage.hears)
    listed = ", ".join(f"'{name}'" for name in covered) or "none"
    if code not in _KNOWN:
        raise fields.refusal(given, listed, param)
    raise Invalid(
        f"No engine of this server recognises '{code}'. Covered languages are: {listed}.", param
    )


_KNOWN = frozenset(canonical(code) for code in LANGUAGES)
