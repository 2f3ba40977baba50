"""Server VAD as clients configure it: ``turn_detection``.

Scope: the values, how a client's object is read and shown, and what they mean to the engines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

import msgspec

from dragoman.protocol.core import fields
from dragoman.speech import Endpointing

DetectionType = Literal["server_vad", "speaker_detection"]


class TurnDetection(msgspec.Struct, frozen=True, kw_only=True):
    """How the server finds turns. ``threshold`` is the wire's -1..1, lower is more sensitive.

    ``silence_given`` remembers that the client named the silence, because one generation echoes it
    only then. ``create_response`` and ``interrupt_response`` are echoed and change nothing.
    """

    type: DetectionType = "server_vad"
    threshold: float = 0.2
    silence_ms: int = 1000
    prefix_ms: int = 300
    silence_given: bool = False
    create_response: bool = True
    interrupt_response: bool = True


def read_detection(
    asked: Any,
    path: str,
    types: tuple[DetectionType, ...],
    default_type: DetectionType,
    default_silence_ms: Mapping[DetectionType, int],
) -> TurnDetection | None:
    """The ``turn_detection`` a client sent under ``path``; None is manual mode. What it leaves out
    gets its default. Raises ``fields.Invalid``.
    """
    if asked is None:
        return None
    value = fields.mapping(asked, path)
    kind = default_type
    if fields.given(value, "type"):
        kind = cast("DetectionType", fields.enum(value["type"], types, f"{path}.type"))
    silence_given = fields.given(value, "silence_duration_ms")
    silence_ms = default_silence_ms[kind]
    if silence_given:
        param = f"{path}.silence_duration_ms"
        silence_ms = fields.integer(value["silence_duration_ms"], 200, 6000, param)
    rest: dict[str, Any] = {}
    if fields.given(value, "threshold"):
        rest["threshold"] = fields.number(value["threshold"], -1, 1, f"{path}.threshold")
    if fields.given(value, "prefix_padding_ms"):
        param = f"{path}.prefix_padding_ms"
        rest["prefix_ms"] = fields.integer(value["prefix_padding_ms"], 0, 5000, param)
    for name in ("create_response", "interrupt_response"):
        if fields.given(value, name):
            rest[name] = fields.boolean(value[name], f"{path}.{name}")
    return TurnDetection(type=kind, silence_ms=silence_ms, silence_given=silence_given, **rest)


def endpointing(
    detection: TurnDetection | None, fixed_threshold: float | None = None
) -> Endpointing | None:
    """What the detector is to do; None in manual mode. ``fixed_threshold``: the detector's
    probability where the client's threshold has no effect.
    """
    if detection is None:
        return None
    threshold = probability(detection.threshold) if fixed_threshold is None else fixed_threshold
    return Endpointing(
        threshold=threshold, silence_ms=detection.silence_ms, prefix_ms=detection.prefix_ms
    )


def probability(threshold: float) -> float:
    """The detector's probability for a wire threshold: -1 is 0.1, 0.2 is 0.5, 1 is 0.9."""
    if threshold <= 0.2:
        return round(0.1 + (threshold + 1.0) / 1.2 * 0.4, 6)
    return round(0.5 + (threshold - 0.2) / 0.8 * 0.4, 6)
