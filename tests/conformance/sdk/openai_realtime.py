"""OpenAI's official client, unmodified, transcribing over the Realtime API at an address.

Takes 24 kHz PCM on standard input and, as second argument, client events of others as JSON. Prints
as JSON what came (strictly validated by the client's own models) and which of the events of others
the client's types do not allow.
"""

import base64
import json
import sys

from openai import OpenAI
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import TypeAdapter, ValidationError

SESSION = {
    "type": "transcription",
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "transcription": {"model": "gpt-live-transcribe", "language": "en"},
            "turn_detection": None,
        }
    },
}
LAST = {"conversation.item.input_audio_transcription.completed", "error"}


def talk(url, pcm):
    api = OpenAI(base_url=url, websocket_base_url=url, api_key="sk-loopback", max_retries=0)
    server, events = TypeAdapter(RealtimeServerEvent), []
    with api.realtime.connect(extra_query={"intent": "transcription"}) as connection:
        connection.session.update(session=SESSION)
        for at in range(0, len(pcm), 4800):
            piece = base64.b64encode(pcm[at : at + 4800]).decode()
            connection.input_audio_buffer.append(audio=piece)
        connection.input_audio_buffer.commit()
        while not events or events[-1]["type"] not in LAST:
            raw = json.loads(connection.recv_bytes())
            event = server.validate_python(raw)
            events.append({"type": event.type, "class": type(event).__name__, "raw": raw})
    return {"events": events}


def allowed(events):
    client, wrong = TypeAdapter(RealtimeClientEvent), []
    for event in events:
        try:
            known = client.validate_python(event)
        except ValidationError as error:
            wrong.append(str(error)[:500])
        else:
            wrong += unknown(event, known.model_dump(exclude_unset=True), event["type"])
    return {"wrong": wrong}


def unknown(event, kept, path):
    """Fields that the client's models do not have."""
    if not isinstance(event, dict):
        return []
    extra = [f"{path}.{name}" for name in event if name not in kept]
    return extra + [
        line
        for name in event
        if name in kept and isinstance(kept[name], dict)
        for line in unknown(event[name], kept[name], f"{path}.{name}")
    ]


if __name__ == "__main__":
    pcm = sys.stdin.buffer.read()
    url, events = sys.argv[1], json.loads(sys.argv[2])
    print(json.dumps({"talk": talk(url, pcm), "sent": allowed(events)}))
