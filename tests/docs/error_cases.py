"""Every row of ``docs/errors.md`` as a script of frames: the last step is what the row is about.

A step is a client event (a dictionary), a raw frame (text or bytes), news of a job (``Report``),
or ``Wait``. ``test_errors_table`` plays the steps against the codec and the pure session.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dragoman.protocol.core.commands import Ended, Eviction, Failed, Output, Report
from dragoman.protocol.core.session import Limits
from dragoman.speech import Coverage, SpeechStarted, SpeechStopped, TurnDone, Voiced

TTS = "qwen3-tts-flash-realtime"
CLASSIC = "qwen-tts-realtime"
LT3 = "qwen3-livetranslate-flash-realtime"
LT35 = "qwen3.5-livetranslate-flash-realtime"
LT38 = "qwen3.8-livetranslate-flash-realtime"
ASR = "qwen3-asr-flash-realtime"

COVERAGE = Coverage(
    hears=frozenset({"en"}),
    pairs=frozenset({("en", "es"), ("en", "gl")}),
    speaks=frozenset({"en", "es"}),
)
"""What the engines of the table can do: hear English, translate into two, speak two."""


@dataclass
class Wait:
    """So many seconds pass."""

    seconds: float


@dataclass
class Evict:
    """The server ends the session."""

    reason: Eviction


Step = dict[str, Any] | str | bytes | Report | Wait | Evict


@dataclass
class Case:
    """A session of ``model``, and what happens in it."""

    model: str
    steps: Sequence[Step]
    strict: bool = False
    limits: Limits = field(default_factory=Limits)


def update(**session: Any) -> Step:
    """``session.update``."""
    return {"type": "session.update", "session": session}


def append(text: str = "Hello there.") -> Step:
    """Text."""
    return {"type": "input_text_buffer.append", "text": text}


def audio(size: int = 3200) -> Step:
    """A piece of silence."""
    return {
        "type": "input_audio_buffer.append",
        "audio": base64.b64encode(bytes(size)).decode(),
    }


def image(data: bytes) -> Step:
    """A picture."""
    return {"type": "input_image_buffer.append", "image": base64.b64encode(data).decode()}


def png(width: int, height: int) -> bytes:
    """The head of a PNG of this size; nobody looks further."""
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + width.to_bytes(4) + height.to_bytes(4) + bytes(9)


COMMIT_TEXT = {"type": "input_text_buffer.commit"}
CLEAR_TEXT = {"type": "input_text_buffer.clear"}
COMMIT_AUDIO = {"type": "input_audio_buffer.commit"}
CLEAR_AUDIO = {"type": "input_audio_buffer.clear"}
FINISH = {"type": "session.finish"}
IN_COMMIT_MODE = update(mode="commit")
MANUAL = update(turn_detection=None)
SPEAKING = (IN_COMMIT_MODE, append(), COMMIT_TEXT)
NO_KANJI = "Japanese text with kanji cannot be spoken here: the server lacks its Japanese voice."
TURN_FAILED = (Output(1, SpeechStarted(1, 0)), Output(1, TurnDone(1, 0, "failed")))
TURN_REFUSED = (
    Output(1, SpeechStarted(1, 0)),
    Output(1, SpeechStopped(1, 0, refused=True)),
    Output(1, TurnDone(1, 0, "failed")),
)
OPUS = {"input": {"format": {"type": "opus"}}}
DEEP = "[" * 20_000
MANY = '{"type":"session.update","session":{"a":[' + "[]," * 60_000 + "[]]}}"
TOO_LONG = "x" * 257

FRAMES: dict[str, Case] = {
    "not-json": Case(TTS, ["{nonsense"]),
    "not-an-object": Case(TTS, ["[1, 2]"]),
    "nested-too-deep": Case(TTS, [DEEP]),
    "too-many-values": Case(TTS, [MANY]),
    "binary-frame": Case(LT35, [b'{"type":"session.finish"}']),
    "no-type": Case(TTS, [{"session": {}}]),
    "type-not-text": Case(TTS, [{"type": 7}]),
    "unknown-type": Case(LT38, [{"type": "session.close"}]),
    "type-of-other-api": Case(TTS, [audio()]),
    "session-missing": Case(TTS, [{"type": "session.update"}]),
    "session-not-object": Case(LT35, [{"type": "session.update", "session": "en"}]),
    "field-missing": Case(LT35, [{"type": "input_audio_buffer.append"}]),
    "field-not-text": Case(TTS, [{"type": "input_text_buffer.append", "text": 12}]),
}

SYNTHESIS: dict[str, Case] = {
    "tts-voice-type": Case(TTS, [update(voice=5)]),
    "tts-voice-unknown": Case(TTS, [update(voice="Nobody")]),
    "tts-voice-long": Case(TTS, [update(voice=TOO_LONG)]),
    "tts-mode": Case(TTS, [update(mode="auto")]),
    "tts-format": Case(TTS, [update(response_format="flac")]),
    "tts-rate": Case(TTS, [update(sample_rate=11025)]),
    "tts-rate-text": Case(TTS, [update(sample_rate="24000")]),
    "tts-language": Case(TTS, [update(language_type="Klingon")]),
    "tts-language-uncovered": Case(TTS, [update(language_type="Korean")]),
    "tts-speech-rate": Case(TTS, [update(speech_rate=3)]),
    "tts-pitch-rate": Case(TTS, [update(pitch_rate="high")]),
    "tts-volume": Case(TTS, [update(volume=101)]),
    "tts-volume-fraction": Case(TTS, [update(volume=50.5)]),
    "tts-bit-rate": Case(TTS, [update(bit_rate=5)]),
    "tts-enable-tn": Case(TTS, [update(enable_tn="yes")]),
    "tts-instructions": Case("qwen3-tts-instruct-flash-realtime", [update(instructions=[])]),
    "tts-instructions-long": Case(
        "qwen3-tts-instruct-flash-realtime", [update(instructions="slowly " * 1000)]
    ),
    "tts-option-missing": Case(CLASSIC, [update(speech_rate=9, instructions=1)]),
    "tts-unknown-key": Case(TTS, [update(temperature="hot")]),
    "tts-late-update": Case(TTS, [*SPEAKING, update(voice="Serena")]),
    "tts-update-over-text": Case(TTS, [IN_COMMIT_MODE, append(), update(mode="server_commit")]),
    "tts-empty-commit": Case(TTS, [IN_COMMIT_MODE, COMMIT_TEXT]),
    "tts-empty-commit-server": Case(TTS, [COMMIT_TEXT]),
    "tts-clear-server": Case(TTS, [append("Some text"), CLEAR_TEXT]),
    "tts-cancel-nothing": Case(TTS, [{"type": "response.cancel"}]),
    "tts-append-empty": Case(TTS, [append("")]),
    "tts-append-long": Case(TTS, [append("a" * 11)], limits=Limits(text_append_chars=10)),
    "tts-buffer-full": Case(
        TTS, [IN_COMMIT_MODE, append("a" * 8), append("a" * 8)], limits=Limits(text_buffer_chars=10)
    ),
    "tts-too-many-responses": Case(
        TTS, [*SPEAKING, append(), COMMIT_TEXT, append(), COMMIT_TEXT],
        limits=Limits(waiting_responses=1),
    ),
    "tts-engine-failed": Case(TTS, [*SPEAKING, Failed(1, "secret details")]),
    "tts-unspeakable": Case(TTS, [*SPEAKING, Failed(1, "secret details", NO_KANJI)]),
}  # fmt: skip

INTERPRETATION: dict[str, Case] = {
    "lt-modalities": Case(LT35, [update(modalities=["audio"])]),
    "lt-modalities-type": Case(LT38, [update(output_modalities="text")]),
    "lt-voice-unknown": Case(LT35, [update(voice="Chelsie")]),
    "lt-input-format": Case(LT35, [update(input_audio_format="mp3")]),
    "lt-input-format-late": Case(LT38, [audio(), update(audio=OPUS)]),
    "lt-not-opus": Case(LT35, [update(input_audio_format="opus"), {**audio(0), "audio": "Cw=="}]),
    "lt-output-format": Case(LT35, [update(output_audio_format="mp3")]),
    "lt-rate": Case(LT35, [update(sample_rate=44100)]),
    "lt-rate-late": Case(LT35, [audio(), update(sample_rate=8000)]),
    "lt-detection-type": Case(LT35, [update(turn_detection={"type": "semantic_vad"})]),
    "lt-threshold": Case(LT35, [update(turn_detection={"threshold": 2})]),
    "lt-silence": Case(LT35, [update(turn_detection={"silence_duration_ms": 50})]),
    "lt-silence-nested": Case(
        LT38, [update(audio={"input": {"turn_detection": {"silence_duration_ms": 9000}}})]
    ),
    "lt-detection-off-type": Case(LT35, [update(turn_detection=False)]),
    "lt-transcription-type": Case(LT35, [update(input_audio_transcription="on")]),
    "lt-translation-type": Case(LT38, [update(translation="es")]),
    "lt-target-type": Case(LT35, [update(translation={"language": 3})]),
    "lt-target-unknown": Case(LT35, [update(translation={"language": "xx"})]),
    "lt-target-uncovered": Case(LT35, [update(translation={"language": "ja"})]),
    "lt-target-unspoken": Case(LT35, [update(translation={"language": "gl"})]),
    "lt-source-uncovered": Case(LT35, [update(input_audio_transcription={"language": "fr"})]),
    "lt-phrases-type": Case(
        LT35, [update(translation={"language": "es", "corpus": {"phrases": ["a"]}})]
    ),
    "lt-skip-type": Case(LT35, [update(same_language_skip_options={"skip_text": "no"})]),
    "lt-clone-type": Case(LT35, [update(enable_voice_clone=1)]),
    "lt-clone-frequency": Case(LT35, [update(voice_clone_options={"frequency": "daily"})]),
    "lt-unknown-key": Case(LT35, [update(instructions="Be polite.")]),
    "lt-audio-not-base64": Case(LT35, [{"type": "input_audio_buffer.append", "audio": "*"}]),
    "lt-audio-empty": Case(LT35, [audio(0)]),
    "lt-audio-odd": Case(LT35, [audio(3201)]),
    "lt-audio-full": Case(
        LT35, [MANUAL, audio(3200), audio(3200)], limits=Limits(manual_audio_bytes=4000)
    ),
    "lt-empty-commit": Case(LT35, [MANUAL, COMMIT_AUDIO]),
    "lt-commit-under-vad": Case(LT35, [audio(), COMMIT_AUDIO]),
    "lt-commit-under-vad-3": Case(LT3, [audio(), COMMIT_AUDIO]),
    "lt-commit-under-vad-38": Case(LT38, [audio(), COMMIT_AUDIO]),
    "lt-too-many-turns": Case(
        LT35, [MANUAL, audio(), COMMIT_AUDIO, audio(), COMMIT_AUDIO],
        limits=Limits(waiting_responses=1),
    ),
    "lt-image-first": Case(LT35, [image(png(640, 480))]),
    "lt-image-not-base64": Case(
        LT35, [audio(), {"type": "input_image_buffer.append", "image": "*"}]
    ),
    "lt-image-kind": Case(LT35, [audio(), image(b"GIF89a" + bytes(40))]),
    "lt-image-bytes": Case(LT35, [audio(), image(png(640, 480) + bytes(500_000))]),
    "lt-image-size": Case(LT35, [audio(), image(png(2560, 1440))]),
    "lt-image-rate": Case(LT35, [audio(), *[image(png(640, 480))] * 5]),
    "lt-response-create": Case(LT35, [audio(), {"type": "response.create"}]),
    "lt-response-cancel": Case(LT35, [{"type": "response.cancel"}]),
    "lt-item-create": Case(LT35, [{"type": "conversation.item.create", "item": {}}]),
    "lt-after-finish": Case(LT35, [audio(), FINISH, update(modalities=["audio"])]),
    "lt-turn-failed": Case(LT35, [MANUAL, audio(), COMMIT_AUDIO, *TURN_FAILED]),
    "lt-turn-refused": Case(LT35, [MANUAL, audio(), COMMIT_AUDIO, *TURN_REFUSED]),
    "lt-engine-failed": Case(LT35, [audio(), Failed(1, "secret details")]),
}  # fmt: skip

RECOGNITION: dict[str, Case] = {
    "asr-modalities": Case(ASR, [update(modalities=["audio"])]),
    "asr-input-format": Case(ASR, [update(input_audio_format="mp3")]),
    "asr-input-format-late": Case(ASR, [audio(), update(input_audio_format="opus")]),
    "asr-rate": Case(ASR, [update(sample_rate=44100)]),
    "asr-rate-late": Case(ASR, [audio(), update(sample_rate=8000)]),
    "asr-transcription-type": Case(ASR, [update(input_audio_transcription="on")]),
    "asr-language-type": Case(ASR, [update(input_audio_transcription={"language": 3})]),
    "asr-language-unknown": Case(ASR, [update(input_audio_transcription={"language": "xx"})]),
    "asr-language-uncovered": Case(ASR, [update(input_audio_transcription={"language": "fr"})]),
    "asr-context-type": Case(ASR, [update(input_audio_transcription={"corpus": {"text": 1}})]),
    "asr-detection-type": Case(ASR, [update(turn_detection={"type": "semantic_vad"})]),
    "asr-threshold": Case(ASR, [update(turn_detection={"threshold": 2})]),
    "asr-silence": Case(ASR, [update(turn_detection={"silence_duration_ms": 50})]),
    "asr-unknown-key": Case(ASR, [update(voice="Cherry", translation={"language": "es"})]),
    "asr-audio-not-base64": Case(ASR, [{"type": "input_audio_buffer.append", "audio": "*"}]),
    "asr-audio-full": Case(
        ASR, [MANUAL, audio(3200), audio(3200)], limits=Limits(manual_audio_bytes=4000)
    ),
    "asr-commit-under-vad": Case(ASR, [audio(), COMMIT_AUDIO]),
    "asr-empty-commit": Case(ASR, [MANUAL, COMMIT_AUDIO]),
    "asr-too-many-turns": Case(
        ASR, [MANUAL, audio(), COMMIT_AUDIO, audio(), COMMIT_AUDIO],
        limits=Limits(waiting_responses=1),
    ),
    "asr-response-create": Case(ASR, [audio(), {"type": "response.create"}]),
    "asr-image": Case(ASR, [audio(), image(png(640, 480))]),
    "asr-unknown-type": Case(ASR, [{"type": "conversation.item.truncate"}]),
    "asr-after-finish": Case(ASR, [audio(), FINISH, update(modalities=["audio"])]),
    "asr-turn-failed": Case(ASR, [MANUAL, audio(), COMMIT_AUDIO, *TURN_FAILED]),
    "asr-turn-refused": Case(ASR, [MANUAL, audio(), COMMIT_AUDIO, *TURN_REFUSED]),
    "asr-engine-failed": Case(ASR, [audio(), Failed(1, "secret details")]),
}  # fmt: skip

STRICT: dict[str, Case] = {
    "strict-tts-voice": Case(TTS, [update(voice="Nobody")], strict=True),
    "strict-tts-rate": Case(CLASSIC, [update(sample_rate=16000)], strict=True),
    "strict-tts-format": Case(CLASSIC, [update(response_format="mp3")], strict=True),
    "strict-tts-late-update": Case(
        TTS, [*SPEAKING, Output(1, Voiced(bytes(600))), Ended(1), update(voice="Serena")],
        strict=True,
    ),
    "strict-tts-engine-failed": Case(TTS, [*SPEAKING, Failed(1, "secret")], strict=True),
    "strict-lt-translation": Case(LT38, [update(output_modalities=["text"])], strict=True),
    "strict-lt-language": Case(LT3, [update(translation={"language": "gl"})], strict=True),
    "strict-lt-voice": Case(LT35, [update(voice="Chelsie")], strict=True),
    "strict-lt-image-rate": Case(LT35, [audio(), *[image(png(640, 480))] * 5], strict=True),
    "strict-lt-turn-failed": Case(
        LT35, [MANUAL, audio(), COMMIT_AUDIO, *TURN_FAILED], strict=True
    ),
    "strict-asr-language": Case(
        ASR, [update(input_audio_transcription={"language": "en-US"})], strict=True
    ),
    "strict-asr-commit-under-vad": Case(ASR, [audio(), COMMIT_AUDIO], strict=True),
    "strict-asr-empty-commit": Case(ASR, [MANUAL, COMMIT_AUDIO], strict=True),
    "strict-asr-turn-long": Case(
        ASR, [MANUAL, audio(32_000 * 61), COMMIT_AUDIO], strict=True
    ),
    "strict-asr-clear": Case(ASR, [audio(), CLEAR_AUDIO], strict=True),
    "strict-asr-unknown-type": Case(ASR, [{"type": "conversation.item.truncate"}], strict=True),
    "strict-asr-turn-failed": Case(
        ASR, [MANUAL, audio(), COMMIT_AUDIO, *TURN_FAILED], strict=True
    ),
}  # fmt: skip

SESSIONS: dict[str, Case] = {
    "unknown-model": Case("gpt-realtime", []),
    "idle": Case(TTS, [Wait(299), Wait(1)]),
    "age": Case(LT35, [Wait(300)], limits=Limits(age_s=300, idle_s=900)),
    "quota": Case(LT38, [Evict("throttled")]),
    "quota-asr": Case(ASR, [Evict("throttled")]),
    "quota-tts": Case(TTS, [append(), Evict("throttled")]),
    "revoked": Case(TTS, [Evict("access denied")]),
    "linger": Case(TTS, [FINISH, Wait(15)]),
}  # fmt: skip

CASES = FRAMES | SYNTHESIS | INTERPRETATION | RECOGNITION | STRICT | SESSIONS
