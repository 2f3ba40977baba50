"""A program that cannot be edited: it names no URL, so the SDK goes to the cloud by name.

It prints one JSON object: how many bytes of speech came in each of the sessions it was asked to
hold ("speak", "interpret", "converse"), and what they ended with.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import threading

import dashscope
from dashscope.audio.qwen_tts_realtime import AudioFormat, QwenTtsRealtime

dashscope.api_key = "sk-not-for-logs"


class Callback:
    """Both kinds of SDK callback."""

    def __init__(self):
        self.speech = bytearray()
        self.texts = []
        self.last = None
        self.finished = threading.Event()

    def on_open(self):
        pass

    def on_close(self, close_status_code, close_msg):
        pass

    def on_event(self, response):
        self.last = response["type"]
        if self.last == "response.audio.delta":
            self.speech += base64.b64decode(response["delta"])
        elif self.last == "response.audio_transcript.done":
            self.texts.append(response["transcript"])
        elif self.last == "session.finished":
            self.finished.set()

    def result(self):
        assert self.finished.wait(20), f"the last event was {self.last}"
        return {"speech": len(self.speech), "texts": self.texts, "last": self.last}


def speak():
    callback = Callback()
    session = QwenTtsRealtime(model="qwen3-tts-flash-realtime", callback=callback)
    session.connect()
    session.update_session(
        voice="Cherry", response_format=AudioFormat.PCM_24000HZ_MONO_16BIT, mode="server_commit"
    )
    session.append_text("Nobody has changed this program.")
    session.finish()
    result = callback.result()
    session.close()
    return result


def interpret():
    # Not at the top: the oldest version has no TranslationParams.
    from dashscope.audio.qwen_omni import (  # noqa: PLC0415
        MultiModality,
        OmniRealtimeConversation,
    )
    from dashscope.audio.qwen_omni.omni_realtime import TranslationParams  # noqa: PLC0415

    callback = Callback()
    model = "qwen3.5-livetranslate-flash-realtime"
    session = OmniRealtimeConversation(model=model, callback=callback)
    session.connect()
    session.update_session(
        [MultiModality.TEXT, MultiModality.AUDIO],
        translation_params=TranslationParams(language="es"),
    )
    pcm = sys.stdin.buffer.read()
    for at in range(0, len(pcm), 3200):
        session.append_audio(base64.b64encode(pcm[at : at + 3200]).decode())
    session.end_session(timeout=20)
    result = callback.result()
    session.close()
    return result


def converse():
    """The object API of SDK 2: a session of its own, and a host for each workspace."""
    from dashscope import Client  # noqa: PLC0415

    callback = Callback()
    client = Client(api_key=dashscope.api_key, workspace="ws-1", timeout=60)
    session = client.audio.realtime.connect(model="qwen3.5-livetranslate-flash-realtime")
    session.connect()
    reader = threading.Thread(target=lambda: list(map(callback.on_event, events(session))))
    reader.start()
    session.update_session(["text", "audio"], translation_params={"language": "es"})
    session.append_audio(sys.stdin.buffer.read())
    session.end_session()
    result = callback.result()
    session.close()
    return result


def events(session):
    while (event := session.recv_event()) is not None:
        yield event
        if event["type"] == "session.finished":
            return


SESSIONS = {"speak": speak, "interpret": interpret, "converse": converse}
print(json.dumps({name: SESSIONS[name]() for name in sys.argv[1:]}))
sys.stdout.flush()
os._exit(0)  # The SDK's thread may take ten seconds to notice that it is closed.
