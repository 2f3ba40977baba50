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

from dragoman.protocol.audio_input.field_paths import collect, inner
from dragoman.protocol.audio_input.turn_detection import read_detection
from dragoman.protocol.core import fields
from dragoman.protocol.core.fields import Invalid
from dragoman.protocol.core.languages import canonical
from dragoman.protocol.core.token_estimate import cut_to_tokens
from dragoman.protocol.recognition.settings import SILENCE_MS, RecognitionSettings
from dragoman.speech import Coverage
from dragoman.text.language_tags import primary_tag

_CODES = "zh yue en ja de ko ru fr pt ar it es hi id th tr uk vi cs da fil fi is ms no pl sv"
LANGUAGES = tuple(_CODES.split())
"""Those of the model page."""

CONTEXT_TOKENS = 10_000
_FORMATS = ("pcm", "pcm16", "opus")
_DETECT = ("", "auto")


def merge(
    settings: RecognitionSettings, patch: Mapping[str, Any], coverage: Coverage, *, strict: bool
) -> RecognitionSettings:
    """``settings`` changed by a client's patch. Raises ``Invalid`` for the first wrong field."""
    asked = collect(patch, nested_first=False)
    changes: dict[str, Any] = {}
    if "modalities" in asked:
        _check_modalities(*asked["modalities"])
    if "format_in" in asked:
        value, param = asked["format_in"]
        changes["opus_in"] = fields.enum(value, _FORMATS, param) == "opus"
    if "rate_in" in asked:
        value, param = asked["rate_in"]
        changes["sample_rate"] = fields.choice(value, (16_000, 8_000), param)
    if "transcription" in asked:
        changes.update(_transcription(*asked["transcription"], coverage, strict=strict))
    if "detection" in asked:
        changes["detection"] = read_detection(
            *asked["detection"], ("server_vad",), "server_vad", {"server_vad": SILENCE_MS}
        )
    return msgspec.structs.replace(settings, **changes)


def _check_modalities(value: Any, param: str) -> None:
    if not isinstance(value, list) or "text" not in value:
        raise fields.refusal(value, "['text']", param)


def _transcription(asked: Any, path: str, coverage: Coverage, *, strict: bool) -> dict[str, Any]:
    changes: dict[str, Any] = {"language": None, "context": ""}
    if asked is None:
        return changes
    value = fields.mapping(asked, path)
    if fields.given(value, "language"):
        param = f"{path}.language"
        changes["language"] = _language(value["language"], param, coverage, strict=strict)
    corpus = inner(value, "corpus", f"{path}.corpus")
    if fields.given(corpus, "text"):
        text = fields.text(corpus["text"], f"{path}.corpus.text")
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
        return primary_tag(given)
    covered = sorted(_KNOWN if "*" in coverage.hears else coverage.hears)
    listed = ", ".join(f"'{name}'" for name in covered) or "none"
    if code not in _KNOWN:
        raise fields.refusal(given, listed, param)
    raise Invalid(
        f"No engine of this server recognises '{code}'. Covered languages are: {listed}.", param
    )


_KNOWN = frozenset(canonical(code) for code in LANGUAGES)
