"""Frames of client events, valid and mutated, for all tests that fuzz; and how long those fuzz.

Hypothesis takes valid frames of every API apart and puts them together wrongly: other values in
any place, doubled and foreign keys, deep nests, huge numbers, halves of characters, broken JSON.

In the suite the examples are the same in every run. With ``FUZZ_EXAMPLES`` in the environment
(``make fuzz``) there are so many, and new ones in every run.
"""

from __future__ import annotations

import json
import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st


def fuzz(examples: int) -> settings:
    """The settings of a fuzzing test with so many examples in the suite."""
    wanted = os.environ.get("FUZZ_EXAMPLES")
    return settings(
        max_examples=int(wanted) if wanted else examples,
        deadline=None,
        derandomize=not wanted,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


FRAMES: dict[str, list[dict[str, Any]]] = {
    "tts": [
        {"type": "session.update", "event_id": "e", "session": {
            "voice": "Cherry", "mode": "commit", "language_type": "Auto", "volume": 50,
            "response_format": "pcm", "sample_rate": 24_000, "speech_rate": 1.0,
            "pitch_rate": 1.0, "bit_rate": 128, "instructions": "calm", "enable_tn": True,
            "optimize_instructions": False}},
        {"type": "input_text_buffer.append", "text": "Hello. \ud83d\ude00"},
        {"type": "input_text_buffer.commit"},
        {"type": "input_text_buffer.clear"},
        {"type": "response.cancel"},
        {"type": "session.finish", "event_id": "x"},
    ],
    "translation": [
        {"type": "session.update", "session": {
            "modalities": ["text", "audio"], "voice": "Cherry", "input_audio_format": "pcm",
            "input_audio_transcription": {"model": "m", "language": "en"},
            "turn_detection": {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 400},
            "translation": {"language": "es", "corpus": {"phrases": {"one": "uno"}}},
            "output": {"voice": "Cherry"}}},
        {"type": "input_audio_buffer.append", "audio": "AAAAAAAA"},
        {"type": "input_image_buffer.append", "image": "/9j/4AAQ"},
        {"type": "input_audio_buffer.commit"},
        {"type": "input_audio_buffer.clear"},
        {"type": "response.create"},
        {"type": "session.finish"},
    ],
    "recognition": [
        {"type": "session.update", "session": {
            "modalities": ["text"], "input_audio_format": "pcm", "sample_rate": 16_000,
            "input_audio_transcription": {"language": "en", "corpus": {"text": "names"}},
            "turn_detection": {"type": "server_vad", "threshold": 0.0}}},
        {"type": "input_audio_buffer.append", "audio": "AAAAAAAA"},
        {"type": "input_audio_buffer.commit"},
        {"type": "session.finish"},
    ],
}  # fmt: skip

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**40, -(10**400), 2**63, 1e308, 5e-324, -0.0, 0, 1, 50, 24_000]),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=12),
    st.sampled_from(["", "\ud83d", "\ude00", "\0", "commit", "pcm", "\u202e", "x" * 5000, "1"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=10,
)


DIRT = ['"', "{", "}", "[", "]", ",", ":", "\\", "\\u", "\\ud83d", "\ud800"]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside a JSON value, its own included."""
    found = [path]
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            found += places(inner, (*path, key))
    return found


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], new)
    return copy


@st.composite
def frames(draw: st.DrawFn, api: str) -> str:
    """A valid frame with random mutations."""
    event: Any = draw(st.sampled_from(FRAMES[api]))
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(places(event)))
        event = replaced(event, path, draw(VALUES))
    if isinstance(event, dict):
        event = event | draw(st.dictionaries(st.text(max_size=8), VALUES, max_size=2))
    text = json.dumps(event, ensure_ascii=draw(st.booleans()))
    if draw(st.booleans()) and text.startswith("{"):  # a key twice
        key = draw(st.sampled_from(["type", "event_id", "session", "text", "audio"]))
        text = f"{{{json.dumps(key)}:{json.dumps(draw(VALUES))},{text[1:]}"
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(text)))
        cut = draw(st.sampled_from([0, 0, 1, 5]))
        dirt = draw(st.one_of(st.text(max_size=3), st.sampled_from(DIRT)))
        text = text[:at] + dirt + text[at + cut :]
    return text
