"""Good logs, built by hand from the recorded orders; the tests of the validators break them."""

from __future__ import annotations

import base64
from copy import deepcopy
from itertools import count
from typing import Any

from dragoman.testing.validators.rules import Event, Log

TTS_MODEL = "qwen3-tts-flash-realtime"
MODEL_A = "qwen3.5-livetranslate-flash-realtime"
MODEL_B = "qwen3.8-livetranslate-flash-realtime"
ASR = "conversation.item.input_audio_transcription."


class Writer:
    """Writes a log; server events get their ``event_id`` here."""

    def __init__(self) -> None:
        self.log: Log = []
        self._ids = count(1)

    def ask(self, kind: str, **fields: Any) -> None:
        """The client sends."""
        self.log.append((">", {"event_id": f"client_{next(self._ids)}", "type": kind} | fields))

    def tell(self, kind: str, **fields: Any) -> None:
        """The server sends."""
        event = {"event_id": f"event_{next(self._ids)}", "type": kind} | deepcopy(fields)
        self.log.append(("<", event))


def b64(size: int) -> str:
    """``size`` bytes of sound."""
    return base64.b64encode(b"\1\0" * (size // 2)).decode()


HEADS = {
    "pcm": b"",
    "wav": b"RIFF\xff\xff\xff\xffWAVEfmt " + bytes(28),
    "mp3": b"\xff\xf3\x84\xc4",
    "opus": b"OggS\0\2" + bytes(22) + b"OpusHead\1\1",
}
"""How a stream of each format begins."""


def deltas(form: str) -> list[str]:
    """Two deltas of 0.5 s at 24 kHz; the compressed ones have a tail that needs padding."""
    head = HEADS[form]
    if form in ("pcm", "wav"):
        sound = head + b"\1\0" * 12_000
        return [base64.b64encode(part).decode() for part in (sound[:12_000], sound[12_000:])]
    return [base64.b64encode(part).decode() for part in (head + bytes(600 - len(head)), bytes(71))]


def usage(audio: int, text: int = 0, **more: Any) -> Event:
    """Usage that adds up."""
    return more | {
        "total_tokens": 8 + audio + text,
        "input_tokens": 8,
        "output_tokens": audio + text,
        "input_tokens_details": {"text_tokens": 8},
        "output_tokens_details": {"text_tokens": text, "audio_tokens": audio},
    }


def item(item_id: str, status: str, *content: Event) -> Event:
    """An item of either API."""
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": list(content),
    }


def synthesis(form: str = "pcm") -> Log:
    """Commit mode: an update, two commits, a clear, finish."""
    log = Writer()
    session = {
        "object": "realtime.session",
        "mode": "server_commit",
        "model": TTS_MODEL,
        "voice": "Cherry",
        "response_format": "pcm",
        "sample_rate": 24000,
        "id": "sess_1",
    }
    log.tell("session.created", session=session)
    wanted = {"voice": "Ethan", "mode": "commit", "response_format": form, "sample_rate": 24000,
              "language_type": "English"}  # fmt: skip
    log.ask("session.update", session=wanted)
    log.tell("session.updated", session=session | wanted)
    log.ask("input_text_buffer.append", text="Not this.")
    log.ask("input_text_buffer.clear")
    log.tell("input_text_buffer.cleared")
    for number in (1, 2):
        log.ask("input_text_buffer.append", text="Hello there.")
        log.ask("input_text_buffer.commit")
        log.tell("input_text_buffer.committed", item_id="")
        spoken(log, f"resp_{number}", f"item_{number}", form)
    log.ask("session.finish")
    log.tell("session.finished")
    return log.log


def spoken(log: Writer, response_id: str, item_id: str, form: str = "pcm") -> None:
    """One response of 0.5 s."""
    ids = {"response_id": response_id, "output_index": 0}
    part = ids | {"item_id": item_id, "content_index": 0}
    audio = {"type": "audio", "text": ""}
    head = {"id": response_id, "object": "realtime.response", "conversation_id": ""}
    log.tell("response.created",
             response=head | {"status": "in_progress", "voice": "Ethan", "output": []})  # fmt: skip
    log.tell("response.output_item.added", **ids, item=item(item_id, "in_progress"))
    log.tell("response.content_part.added", **part, part=audio)
    for delta in deltas(form):
        log.tell("response.audio.delta", **part, delta=delta)
    log.tell("response.audio.done", **part)
    log.tell("response.content_part.done", **part, part=audio)
    log.tell("response.output_item.done", **ids, item=item(item_id, "completed", audio))
    output = item(item_id, "completed", {"type": "audio", "transcript": ""})
    log.tell("response.done", response=head | {
        "status": "completed", "modalities": ["text", "audio"], "voice": "Ethan",
        "output": [output], "usage": usage(7, characters=12)})  # fmt: skip


def interpretation(model: str, *, audio: bool = True, manual: bool = False) -> Log:
    """Two turns, in the dialect of the model."""
    log = Writer()
    modalities = ["text", "audio"] if audio else ["text"]
    newest = model == MODEL_B
    session: Event = {"id": "sess_1", "object": "realtime.session", "model": model,
                      "translation": {"language": "es"}}  # fmt: skip
    if newest:
        session |= {"output_modalities": modalities, "audio": {"output": {
            "format": {"type": "pcm", "sample_rate": 24000}, "voice": "Tina"}}}  # fmt: skip
    else:
        session |= {"modalities": modalities, "voice": "Tina", "output_audio_format": "pcm"}
    log.tell("session.created", session=session)
    asked: Event = {"modalities": modalities, "translation": {"language": "es"}}
    log.ask("session.update", session=asked | ({"turn_detection": None} if manual else {}))
    log.tell("session.updated", session=session)
    previous = None
    for turn in (1, 2):
        log.ask("input_audio_buffer.append", audio=b64(3200))
        previous = segment(log, turn, previous, modalities, newest=newest, manual=manual)
    log.ask("session.finish")
    log.tell("session.finished")
    return log.log


def segment(
    log: Writer,
    turn: int,
    previous: str | None,
    modalities: list[str],
    *,
    newest: bool,
    manual: bool,
) -> str:
    """One turn with its response; returns the id of the translation item."""
    source, target, response_id = f"item_{turn}s", f"item_{turn}t", f"resp_{turn}"
    audio = "audio" in modalities
    link = {"previous_item_id": previous} if previous else {}
    if manual:
        log.ask("input_audio_buffer.commit")
        log.tell("input_audio_buffer.committed", item_id=source, **link)
    else:
        speaker = {"speaker_id": 0} if newest else {}
        log.tell("input_audio_buffer.speech_started", audio_start_ms=turn * 10_000,
                 item_id=source, **speaker)  # fmt: skip
    log.tell("conversation.item.created",
             item=item(source, "in_progress", {"type": "input_audio"}), **link)  # fmt: skip
    head = {"id": response_id, "object": "realtime.response", "conversation_id": "conv_1",
            "modalities": modalities, "output_audio_format": "pcm"}  # fmt: skip
    log.tell("response.created", response=head | {"status": "in_progress", "output": []})
    ids = {"response_id": response_id, "output_index": 0}
    part = ids | {"item_id": target, "content_index": 0}
    kind = "audio" if audio else "text"
    log.tell("response.output_item.added", **ids, item=item(target, "in_progress"))
    log.tell("conversation.item.created", item=item(target, "in_progress"), previous_item_id=source)
    log.tell("response.content_part.added", **part, part={"type": kind, "text": ""})
    texts(log, source, part, audio=audio, newest=newest)
    if not manual:
        log.tell("input_audio_buffer.speech_stopped", audio_end_ms=turn * 10_000 + 3_000,
                 item_id=source)  # fmt: skip
    log.tell(ASR + "completed", item_id=source, content_index=0, transcript="My fellow Americans.")
    result = {"transcript" if audio else "text": "Mis compatriotas."}
    log.tell(f"response.{'audio_transcript' if audio else 'text'}.done", **part, **result)
    if audio:
        log.tell("response.audio.done", **part)
    content = {"type": kind, "text": "Mis compatriotas."}
    log.tell("response.content_part.done", **part, part=content)
    log.tell("response.output_item.done", **ids, item=item(target, "completed", content))
    paid = usage(6 if audio else 0, 3)
    log.tell("response.done", response=head | {
        "status": "completed", "output": [item(target, "completed", {"type": kind} | result)],
        "usage": paid})  # fmt: skip
    return target


def texts(log: Writer, source: str, part: Event, *, audio: bool, newest: bool) -> None:
    """Growing source and target text, and half a second of speech."""
    name = "response.audio_transcript." if audio else "response.text."
    heard = {"item_id": source, "content_index": 0}
    if newest:
        log.tell(ASR + "delta", **heard, delta="My fellow", obfuscation="x" * 14)
        log.tell(name + "delta", **part, delta="Mis")
        log.tell(ASR + "delta", **heard, delta=" Americans.", obfuscation="x" * 14)
        log.tell(name + "delta", **part, delta=" compatriotas.")
    else:
        log.tell(ASR + "text", **heard, text="", stash="My", language="en", emotion="neutral")
        log.tell(ASR + "text", **heard, text="My fellow", stash=" Amer", language="en", emotion="")
        log.tell(name + "text", **part, text="", stash="Mis")
        log.tell(name + "text", **part, text="Mis", stash=" amigos")
    if audio:
        log.tell("response.audio.delta", **part, delta=b64(14_400))
        log.tell("response.audio.delta", **part, delta=b64(9_600))
