"""The model family of recognition, and which model names belong to it.

Scope: values. Any ``*asr*realtime*`` belongs to it, dated names and all, but not Fun-ASR, which
speaks another protocol.
"""

from __future__ import annotations

import msgspec


class RecognitionFamily(msgspec.Struct, frozen=True):
    """A family without differences inside."""

    name: str


QWEN3_ASR = RecognitionFamily("qwen3-asr")


def family_for(model: str) -> RecognitionFamily | None:
    """The family of a model name, or None if it is no recognition model."""
    vendor, found, rest = model.lower().partition("asr")
    is_other_protocol = vendor.endswith("fun-")
    return QWEN3_ASR if found and "realtime" in rest and not is_other_protocol else None
