"""The flows of the official samples, written anew: text goes in, a loudspeaker plays what comes.

The samples play every delta inside of ``on_event``, on the thread that reads the socket, and a
sound card whose buffer is full lets go only when it has played some of it. So the SDK reads
nothing for seconds, answers no ping, and then finds everything at once. ``SoundCard`` stands for
the audio library of the samples: its ``write`` returns when a timer says so.
"""

from __future__ import annotations

import base64
import threading

from dashscope.audio.qwen_tts_realtime import AudioFormat, QwenTtsRealtime

PIECES = (
    "The wind rose ",
    "in the night. In the mor",
    "ning, the sea was white. ",
    "Nobody ",
    "went out.",
)
SENTENCES = (
    "This is what was said first.",
    "Then came something else, and it was longer.",
    "The last one.",
)
BUFFER_S = 0.75


class SoundCard:
    """A blocking output: the first ``full_s`` writes take as long as given, later ones no time."""

    def __init__(self, *full_s):
        self.played = b""
        self._full_s = list(full_s)

    def write(self, pcm):
        if self._full_s:
            has_room = threading.Event()
            timer = threading.Timer(self._full_s.pop(0), has_room.set)
            timer.start()
            has_room.wait()
        self.played += pcm


def play_in(recorder, card):
    """Let the recorder's callback do what the samples' does."""
    record = recorder.on_event

    def on_event(message):
        record(message)
        if message["type"] == "response.audio.delta":
            card.write(base64.b64decode(message["delta"]))

    recorder.on_event = on_event


def start(recorder, options, card, mode):
    """As the samples begin: connect, update, and send at once, without waiting for an answer."""
    play_in(recorder, card)
    session = QwenTtsRealtime(model=options.model, callback=recorder, url=options.url)
    session.connect()
    session.update_session(
        voice="Cherry", response_format=AudioFormat.PCM_24000HZ_MONO_16BIT, mode=mode
    )
    return session


def end(recorder, session, card):
    """Wait for the end as the samples do, and note what they print."""
    recorder.wait("session.finished")
    recorder.outcome["played"] = base64.b64encode(card.played).decode()
    recorder.outcome["session_id"] = session.get_session_id()
    recorder.outcome["response_id"] = session.get_last_response_id()
    recorder.outcome["first_audio_delay"] = session.get_first_audio_delay()
    recorder.outcome["last_type"] = session.get_last_message()["type"]
    recorder.outcome["closed_before"] = recorder.closed.is_set()
    session.close()


def demo_server_commit(recorder, options):
    """Pieces of text, finish, wait; the card is full twice."""
    card = SoundCard(BUFFER_S, 2 * BUFFER_S)
    session = start(recorder, options, card, "server_commit")
    for piece in PIECES:
        session.append_text(piece)
    session.finish()
    end(recorder, session, card)


def demo_commit(recorder, options):
    """One response for each sentence; the next is sent when ``response.done`` has come."""
    card = SoundCard(2 * BUFFER_S, BUFFER_S)
    session = start(recorder, options, card, "commit")
    for number, sentence in enumerate(SENTENCES, 1):
        session.append_text(sentence)
        session.commit()
        recorder.wait("response.done", number)
    session.finish()
    end(recorder, session, card)


FLOWS = {flow.__name__: flow for flow in (demo_server_commit, demo_commit)}
