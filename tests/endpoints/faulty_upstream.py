"""A realtime server of this project's protocol that misbehaves when it is told to.

Scope: faults. It says as much of the protocol as it takes to be in the middle of a turn; the
faithful upstream of the tests is a Dragoman with scripted engines.
"""

from __future__ import annotations

import base64
from typing import Any

from tests.endpoints.realtime_asr import Talk


def upstream(talk: Talk) -> None:
    """Interpretation (one turn that never ends by itself) and synthesis (a tenth of a second)."""

    def error(message: str) -> None:
        details = {"type": "server_error", "code": "internal_error", "message": message}
        talk.send(type="error", error={**details, "param": ""})

    heard = 0
    talk.send(type="session.created", session={"id": "sess_1"})
    for event in talk.events(error):
        match event["type"]:
            case "session.update":
                talk.send(type="session.updated", session=event["session"])
            case "input_audio_buffer.append":
                heard += 1
                words = " ".join(f"word{number}" for number in range(heard))
                if heard == 1:
                    talk.send(
                        type="input_audio_buffer.speech_started", audio_start_ms=0, item_id="a"
                    )
                snapshot = {"item_id": "a", "text": words, "stash": ""}
                talk.send(type="conversation.item.input_audio_transcription.text", **snapshot)
            case "input_text_buffer.commit":
                speak(talk)
            case "session.finish" if not talk.server.fault.mute_end:
                talk.send(type="session.finished")


def speak(talk: Talk) -> None:
    place: dict[str, Any] = {"response_id": "resp_1", "item_id": "b"}
    sound = base64.b64encode(bytes(4800)).decode()
    talk.send(type="response.created", response={"id": "resp_1", "status": "in_progress"})
    talk.send(type="response.audio.delta", delta=sound, **place)
    if not talk.server.fault.mute_end:
        talk.send(type="response.done", response={"id": "resp_1", "status": "completed"})
