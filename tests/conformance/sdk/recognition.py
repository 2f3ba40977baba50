"""Recognition through the SDK's ``OmniRealtimeConversation``: every flow."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import dashscope
from dashscope.audio.qwen_omni import MultiModality, OmniRealtimeConversation
from dashscope.audio.qwen_omni.omni_realtime import TranscriptionParams
from recorder import listen_to_debug_log, main

dashscope.api_key = "sk-any"
CHUNK_BYTES = 3200
COMPLETED = "conversation.item.input_audio_transcription.completed"


def start(recorder, options, **settings):
    """Connect and configure, as the vendor's samples do."""
    session = OmniRealtimeConversation(model=options.model, callback=recorder, url=options.url)
    session.connect()
    params = TranscriptionParams(
        language="en", sample_rate=16_000, input_audio_format="pcm", corpus_text="Dragoman"
    )
    session.update_session(
        output_modalities=[MultiModality.TEXT], transcription_params=params, **settings
    )
    recorder.wait("session.updated")
    recorder.outcome["session_id"] = session.get_session_id()
    return session


def stream(session, pcm, speed):
    """Audio in chunks of 100 ms, at ``speed`` times real time (0: at once)."""
    for at in range(0, len(pcm), CHUNK_BYTES):
        chunk = pcm[at : at + CHUNK_BYTES]
        session.append_audio(base64.b64encode(chunk).decode("ascii"))
        if speed:
            time.sleep(0.1 / speed)


def speech(options):
    return Path(options.pcm).read_bytes()


def end(recorder, session):
    session.end_session(timeout=30)
    recorder.outcome["ended"] = True
    session.close()


def microphone(recorder, options):
    """The vendor's sample: server VAD, 0.2 and 800 ms."""
    session = start(
        recorder,
        options,
        enable_turn_detection=True,
        turn_detection_type="server_vad",
        turn_detection_threshold=0.2,
        turn_detection_silence_duration_ms=800,
    )
    stream(session, speech(options), options.speed)
    end(recorder, session)


def defaults(recorder, options):
    """No update at all."""
    session = OmniRealtimeConversation(model=options.model, callback=recorder, url=options.url)
    session.connect()
    recorder.wait("session.created")
    stream(session, speech(options), options.speed)
    recorder.outcome["session_id"] = session.get_session_id()
    end(recorder, session)


def manual(recorder, options):
    """Push to talk: ten commits, two of them without audio, not waiting for any answer."""
    session = start(recorder, options, enable_turn_detection=False)
    pcm = speech(options)
    part = len(pcm) // 8 // 2 * 2
    parts = [pcm[at * part : (at + 1) * part] for at in range(8)]
    for piece in (*parts[:3], b"", *parts[3:], b""):
        stream(session, piece, options.speed)
        session.commit()
    recorder.wait(COMPLETED, 10)
    end(recorder, session)


def java_sample(recorder, options):
    """The vendor's Java sample: server VAD, then commit, ``response.create``, close."""
    session = start(recorder, options)
    stream(session, speech(options), options.speed)
    session.commit()
    session.create_response()
    recorder.wait(COMPLETED)
    session.close()
    recorder.outcome["ended"] = False


def hang_up(recorder, options):
    """A telephone client: a commit in the middle of speech, then the finish."""
    session = start(recorder, options)
    pcm = speech(options)
    stream(session, pcm[: len(pcm) // 3], options.speed)
    session.commit()
    end(recorder, session)


def clear(recorder, options):
    """Manual mode: what was cleared is never recognised."""
    session = start(recorder, options, enable_turn_detection=False)
    stream(session, speech(options), options.speed)
    session.clear_appended_audio()
    recorder.wait("input_audio_buffer.cleared")
    end(recorder, session)


def quiet(recorder, options):
    """Nothing is said."""
    end(recorder, start(recorder, options))


if __name__ == "__main__":
    listen_to_debug_log()
    main(
        {
            flow.__name__: flow
            for flow in (
                microphone,
                defaults,
                manual,
                java_sample,
                hang_up,
                clear,
                quiet,
            )
        }
    )
