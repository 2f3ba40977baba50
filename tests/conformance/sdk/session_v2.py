"""Interpretation through the realtime session of the SDK's 2.x object API."""

from __future__ import annotations

import base64
import threading
import time
from pathlib import Path

from dashscope import Client
from dashscope.v2.errors import DashScopeError
from recorder import main

CHUNK_BYTES = 3200


class Conversation:
    """A session whose events a second thread receives, as the SDK's own example does."""

    def __init__(self, recorder, options, *, modalities=("text", "audio"), **settings):
        self.recorder, self.options = recorder, options
        client = Client(api_key="sk-any", timeout=60)
        self.session = client.audio.realtime.connect(model=options.model, ws_url=options.url)
        self.session.connect()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        if modalities:
            params = {"language": options.target}
            recorder.sent(
                {
                    "type": "session.update",
                    "session": {"modalities": list(modalities), **settings.pop("asked", {})},
                }
            )
            self.session.update_session(list(modalities), translation_params=params, **settings)
            recorder.wait("session.updated")

    def read(self):
        """Until ``session.finished`` or the end of the connection."""
        while True:
            try:
                event = self.session.recv_event()
            except DashScopeError as error:
                self.recorder.outcome.setdefault("errors", []).append(type(error).__name__)
                if error.args and "closed" in str(error):
                    return
                self.recorder.on_event(self.session.last_message)
                continue
            if event is None:
                return
            self.recorder.on_event(event)
            if event["type"] == "session.finished":
                return

    def stream(self, pcm):
        """Audio at the pace the test asked for."""
        for at in range(0, len(pcm), CHUNK_BYTES):
            chunk = pcm[at : at + CHUNK_BYTES]
            self.recorder.sent(
                {"type": "input_audio_buffer.append", "audio": f"{len(chunk)} bytes"}
            )
            self.session.append_audio(chunk)
            if self.options.speed:
                time.sleep(len(chunk) / 32_000 / self.options.speed)

    def ask(self, kind, send):
        """Log, then send."""
        self.recorder.sent({"type": kind})
        send()

    def end(self):
        self.ask("session.finish", self.session.end_session)
        self.reader.join(60)
        self.recorder.outcome["ended"] = not self.reader.is_alive()
        self.recorder.outcome["session_id"] = self.session.session_id
        self.recorder.outcome["response_id"] = self.session.last_response_id
        self.session.close()


def speech(options):
    return Path(options.pcm).read_bytes()


def whole(**settings):
    def flow(recorder, options):
        conversation = Conversation(recorder, options, **settings)
        conversation.stream(speech(options))
        conversation.end()

    return flow


def manual(answer):
    """Two turns, each ended by a commit that is answered by this event."""

    def flow(recorder, options):
        conversation = Conversation(
            recorder, options, enable_turn_detection=False, asked={"turn_detection": None}
        )
        pcm = speech(options)
        half = len(pcm) // 4 * 2
        for turn, part in enumerate((pcm[:half], pcm[half:]), 1):
            conversation.stream(part)
            conversation.ask("input_audio_buffer.commit", conversation.session.commit)
            recorder.wait(answer, turn)
        conversation.end()

    return flow


def images(recorder, options):
    conversation = Conversation(recorder, options)
    pcm = speech(options)
    conversation.stream(pcm[:CHUNK_BYTES])
    conversation.ask(
        "input_image_buffer.append",
        lambda: conversation.session.append_video(
            base64.b64encode(Path(options.image).read_bytes()).decode()
        ),
    )
    conversation.stream(pcm[CHUNK_BYTES:])
    conversation.end()


def quiet(recorder, options):
    Conversation(recorder, options).end()


def refused(recorder, options):
    """A request error raises in the SDK, and the connection goes on."""
    conversation = Conversation(recorder, options)
    event = {"type": "session.update", "event_id": "bad_1", "session": {"translation": 3}}
    recorder.sent(event)
    conversation.session.send_event(event)
    recorder.wait("error")
    conversation.stream(speech(options))
    conversation.end()


FLOWS = {
    "text_audio": whole(),
    "text_only": whole(modalities=("text",)),
    "defaults": whole(modalities=None),
    "source_on": whole(enable_input_audio_transcription=True),
    "detection": whole(enable_turn_detection=True),
    "manual": manual("response.done"),
    "dictated": manual("conversation.item.input_audio_transcription.completed"),
    "images": images,
    "quiet": quiet,
    "refused": refused,
}

if __name__ == "__main__":
    main(FLOWS)
