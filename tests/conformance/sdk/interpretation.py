"""Interpretation through the SDK's ``OmniRealtimeConversation``: every flow."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import dashscope
from dashscope.audio.qwen_omni import MultiModality, OmniRealtimeConversation
from dashscope.audio.qwen_omni.omni_realtime import TranslationParams
from recorder import listen_to_debug_log, main

dashscope.api_key = "sk-any"
TEXT, BOTH = [MultiModality.TEXT], [MultiModality.TEXT, MultiModality.AUDIO]
CHUNK_BYTES = 3200
CHUNK_S = 0.1


def start(recorder, options, modalities=BOTH, **settings):
    """Connect, and ask for a translation; the SDK's own defaults fill the rest."""
    session = OmniRealtimeConversation(model=options.model, callback=recorder, url=options.url)
    session.connect()
    recorder.wait("session.created")
    if modalities:
        settings.setdefault("translation_params", TranslationParams(language=options.target))
        session.update_session(modalities, **settings)
        recorder.wait("session.updated")
    return session


def speech(options):
    return Path(options.pcm).read_bytes()


def stream(recorder, session, pcm, speed):
    """Microphone chunks of 100 ms at ``speed`` times real time."""
    began = time.monotonic()
    for number, at in enumerate(range(0, len(pcm), CHUNK_BYTES), 1):
        chunk = pcm[at : at + CHUNK_BYTES]
        # The SDK does not log audio.
        recorder.sent({"type": "input_audio_buffer.append", "audio": f"{len(chunk)} bytes"})
        session.append_audio(base64.b64encode(chunk).decode())
        if speed:
            time.sleep(max(0.0, began + number * CHUNK_S / speed - time.monotonic()))


def end(recorder, session, *, is_patient=False):
    """The SDK's own ending: it waits for ``session.finished``, we hang up.

    ``is_patient`` waits for ``on_close``, which the SDK can put off by ten seconds.
    """
    session.end_session(timeout=60)
    recorder.outcome["ended"] = True
    note(recorder, session)
    session.close()
    if is_patient:
        recorder.outcome["close_came"] = recorder.closed.wait(20)


def note(recorder, session):
    recorder.outcome["session_id"] = session.get_session_id()
    recorder.outcome["response_id"] = session.get_last_response_id()
    recorder.outcome["first_audio_delay"] = session.get_last_first_audio_delay()


def whole(modalities=BOTH, *, is_patient=False, **settings):
    """The usual flow with these settings."""

    def flow(recorder, options):
        session = start(recorder, options, modalities, **settings)
        stream(recorder, session, speech(options), options.speed)
        end(recorder, session, is_patient=is_patient)

    return flow


def manual(recorder, options):
    """Push to talk: two turns by commit, and a rest that the finish takes."""
    session = start(recorder, options, enable_turn_detection=False)
    pcm = speech(options)
    third = len(pcm) // 6 * 2
    for turn in (1, 2):
        stream(recorder, session, pcm[(turn - 1) * third : turn * third], options.speed)
        session.commit()
        recorder.wait("input_audio_buffer.committed", turn)
        recorder.wait("response.done", turn)
    stream(recorder, session, pcm[2 * third :], options.speed)
    end(recorder, session)


def manual_create(recorder, options):
    """Push to talk with ``response.create``, as a client of the Java SDK does."""
    session = start(recorder, options, enable_turn_detection=False)
    stream(recorder, session, speech(options), options.speed)
    session.create_response()
    recorder.wait("response.done")
    end(recorder, session)


def empty_commit(recorder, options):
    """Refused; the session lives."""
    session = start(recorder, options, enable_turn_detection=False)
    session.commit()
    recorder.wait("error")
    stream(recorder, session, speech(options), options.speed)
    session.commit()
    recorder.wait("response.done")
    end(recorder, session)


def commit_under_vad(recorder, options):
    """Refused by the two older generations, a cut in the newest."""
    session = start(recorder, options)
    session.commit()
    if not options.model.startswith("qwen3.8"):
        recorder.wait("error")
    stream(recorder, session, speech(options), options.speed)
    recorder.wait("response.created")  # else the SDK may take the error for the end's
    end(recorder, session)


def clear(recorder, options):
    """Manual mode: what was cleared is never heard."""
    session = start(recorder, options, enable_turn_detection=False)
    stream(recorder, session, speech(options), options.speed)
    session.clear_appended_audio()
    recorder.wait("input_audio_buffer.cleared")
    end(recorder, session)


def images(recorder, options):
    """Pictures as context: no event answers them."""
    session = start(recorder, options)
    pcm = speech(options)
    stream(recorder, session, pcm[:CHUNK_BYTES], options.speed)
    picture = base64.b64encode(Path(options.image).read_bytes()).decode()
    for _ in range(2):
        recorder.sent({"type": "input_image_buffer.append", "image": f"{len(picture)} chars"})
        session.append_video(picture)
    stream(recorder, session, pcm[CHUNK_BYTES:], options.speed)
    end(recorder, session)


def update_mid(recorder, options):
    """Another language while the session runs."""
    session = start(recorder, options)
    pcm = speech(options)
    half = len(pcm) // 4 * 2
    stream(recorder, session, pcm[:half], options.speed)
    other = TranslationParams(language="fr", corpus=TranslationParams.Corpus({"sea": "mer"}))
    session.update_session(TEXT, translation_params=other)
    recorder.wait("session.updated", 2)
    stream(recorder, session, pcm[half:], options.speed)
    end(recorder, session)


def bad_update(recorder, options):
    """Audio without text is refused; the old configuration stays."""
    session = start(recorder, options)
    session.send_raw(json.dumps({"event_id": "bad_1", "type": "session.update",
                                 "session": {"modalities": ["audio"]}}))  # fmt: skip
    recorder.wait("error")
    stream(recorder, session, speech(options), options.speed)
    recorder.wait("response.created")  # as above
    end(recorder, session)


def quiet(recorder, options):
    """Nothing was said."""
    end(recorder, start(recorder, options))


def strays(recorder, options):
    """Undocumented events of real clients are harmless."""
    session = start(recorder, options)
    stream(recorder, session, speech(options), options.speed)
    session.cancel_response()
    session.send_raw(json.dumps({"type": "conversation.item.create", "item": {}}))
    end(recorder, session)


def end_async(recorder, options):
    session = start(recorder, options)
    stream(recorder, session, speech(options), options.speed)
    session.end_session_async()
    recorder.wait("session.finished")
    note(recorder, session)
    session.close()
    recorder.outcome["close_came"] = recorder.closed.wait(20)


def close_early(recorder, options):
    """Hang up in the middle of speech."""
    session = start(recorder, options)
    stream(recorder, session, speech(options), options.speed)
    session.close()
    recorder.outcome["close_came"] = recorder.closed.wait(20)


def blocking(recorder, options):
    """The callback blocks the SDK's reader."""
    recorder.block_s = {"response.created": 1.5, "response.done": 1.0}
    whole()(recorder, options)


FLOWS = {
    flow.__name__: flow
    for flow in (
        manual, manual_create, empty_commit, commit_under_vad, clear, images, update_mid,
        bad_update, quiet, strays, end_async, close_early, blocking,
    )
}  # fmt: skip
FLOWS |= {
    "text_audio": whole(is_patient=True),
    "text_only": whole(TEXT),
    "defaults": whole(None),
    "sdk_defaults": whole(translation_params=None),
    "source_on": whole(input_audio_transcription_model="qwen3-asr-flash-realtime"),
    "source_off": whole(enable_input_audio_transcription=False),
    "with_voice": whole(voice="Ethan", turn_detection_silence_duration_ms=500),
}

if __name__ == "__main__":
    listen_to_debug_log()
    main(FLOWS)
