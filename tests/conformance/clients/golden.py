"""The order and the shape of every event as the real service sent them in October 2026.

Two recordings (commit mode, and server_commit with the finish sent behind the first delta) were
made and published by the project omugw (github.com/yobo2u/omugw, Apache-2.0). Nothing of them is
copied: these are shapes, written anew, with ``...`` for what differs from session to session.
``differences`` compares names *and their order*, and every value that is not ``...``.
"""

from __future__ import annotations

from typing import Any

from dragoman.testing.validators.rules import Event

RESPONSE_HEAD = (
    "response.created",
    "response.output_item.added",
    "response.content_part.added",
    "response.audio.delta",
)
RESPONSE_TAIL = (
    "response.audio.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.done",
)
ORDER = {
    "commit": (
        "session.created",
        "session.updated",
        "input_text_buffer.committed",
        *RESPONSE_HEAD,
        *RESPONSE_TAIL,
        "session.finished",
    ),
    "server_commit": (
        "session.created",
        "session.updated",
        *RESPONSE_HEAD,
        *RESPONSE_TAIL,
        "session.finished",
    ),
}
"""Deltas stand once, however many there were."""

CHARACTERS = 25
"""What the recordings bill for twelve Han characters and a full stop."""

_PLACE = {"response_id": ..., "item_id": ..., "output_index": 0, "content_index": 0}
_PART = {"type": "audio", "text": ""}
_USAGE = {
    "characters": CHARACTERS,
    "total_tokens": ...,
    "input_tokens": ...,
    "output_tokens": ...,
    "input_tokens_details": {"text_tokens": ...},
    "output_tokens_details": {"text_tokens": 0, "audio_tokens": ...},
}

SHAPES: dict[str, Event] = {
    "session.created": {
        "session": {
            "object": "realtime.session",
            "mode": "server_commit",
            "model": "qwen3-tts-flash-realtime",
            "voice": "Cherry",
            "response_format": "pcm",
            "sample_rate": 24000,
            "id": ...,
        }
    },
    "session.updated": {
        "session": {
            "id": ...,
            "object": "realtime.session",
            "model": "qwen3-tts-flash-realtime",
            "voice": "Cherry",
            "mode": ...,
            "response_format": "pcm",
            "sample_rate": 16000,
            "language_type": ...,
        }
    },
    "input_text_buffer.committed": {"item_id": ""},
    "response.created": {
        "response": {
            "id": ...,
            "object": "realtime.response",
            "conversation_id": "",
            "status": "in_progress",
            "voice": "Cherry",
            "output": [],
        }
    },
    "response.output_item.added": {
        "response_id": ...,
        "output_index": 0,
        "item": {
            "id": ...,
            "object": "realtime.item",
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        },
    },
    "response.content_part.added": {**_PLACE, "part": _PART},
    "response.audio.delta": {**_PLACE, "delta": ...},
    "response.audio.done": _PLACE,
    "response.content_part.done": {**_PLACE, "part": _PART},
    "response.output_item.done": {
        "response_id": ...,
        "output_index": 0,
        "item": {
            "id": ...,
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            # Not in the recording but in the vendor's pages, so that clients of either are served.
            "content": [_PART],
            "output": {"usage": _USAGE},
        },
    },
    "response.done": {
        "response": {
            "id": ...,
            "object": "realtime.response",
            "conversation_id": "",
            "status": "completed",
            "modalities": ["text", "audio"],
            "voice": "Cherry",
            "output": [
                {
                    "id": ...,
                    "object": "realtime.item",
                    "type": "message",
                    "status": "completed",
                    "role": "assistant",
                    "content": [{"type": "audio", "transcript": ""}],
                }
            ],
            "usage": _USAGE,
        }
    },
    "session.finished": {},
}

_PREFIXES = {"event_id": "event_", "response_id": "resp_", "item_id": "item_"}
_OBJECTS = {"session": "sess_", "response": "resp_", "item": "item_"}


def differences(event: Event) -> list[str]:
    """What about a server's event is not as recorded; empty when nothing is."""
    kind = event["type"]
    shape = {"event_id": ..., "type": kind, **SHAPES[kind]}
    return [f"{kind}: {line}" for line in (*_compare(event, shape, ""), *_ids(event))]


def _compare(value: Any, shape: Any, path: str) -> list[str]:
    if shape is ...:
        return []
    if isinstance(shape, dict) and isinstance(value, dict):
        if list(value) != list(shape):
            return [f"{path or 'the event'} has {list(value)}, recorded was {list(shape)}"]
        return [line for key in shape for line in _compare(value[key], shape[key], f"{path}.{key}")]
    if isinstance(shape, list) and isinstance(value, list) and len(shape) == len(value):
        return [
            line
            for number, pair in enumerate(zip(value, shape, strict=True))
            for line in _compare(*pair, f"{path}[{number}]")
        ]
    return [] if value == shape else [f"{path} is {value!r}, recorded was {shape!r}"]


def _ids(event: Event) -> list[str]:
    """Every id that is not empty has its prefix and 21 letters or digits."""
    found = [(event[name], prefix) for name, prefix in _PREFIXES.items() if event.get(name)]
    found += [(event[name]["id"], prefix) for name, prefix in _OBJECTS.items() if name in event]
    return [
        f"{value!r} is not {prefix} and 21 letters or digits"
        for value, prefix in found
        if not (
            isinstance(value, str)
            and value.startswith(prefix)
            and len(value) == len(prefix) + 21
            and value.removeprefix(prefix).isalnum()
        )
    ]
