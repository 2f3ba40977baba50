"""The three generations of live interpretation, and which of them a model name means.

Scope: values. The default source language is "detect" for every generation; the ``en`` that the
qwen3 page gives is one outcome of that.
"""

from __future__ import annotations

from dragoman.protocol.audio_input.turn_detection import TurnDetection
from dragoman.protocol.interpretation import languages
from dragoman.protocol.interpretation.generation import NESTED_PATHS, Generation, Tariff
from dragoman.protocol.interpretation.text_writers import Deltas, Snapshots
from dragoman.protocol.interpretation.voices import QWEN3_VOICES, QWEN35_VOICES

QWEN3 = Generation(
    name="qwen3-livetranslate",
    spoken=languages.QWEN3_SPOKEN,
    text_only=languages.QWEN3_TEXT_ONLY,
    voices=QWEN3_VOICES,
    default_voice="Cherry",
    tariff=Tariff(audio_in=12.5, image_square_px=28, asr_is_output=True),
    writer=Snapshots,
    session_shape="short",
    pcm_in_name="pcm16",
    pcm_out_name="pcm24",
    transcribes_by_default=False,
    has_transcription_failed=False,
)

QWEN35 = Generation(
    name="qwen3.5-livetranslate",
    spoken=languages.QWEN35_SPOKEN,
    text_only=languages.QWEN35_TEXT_ONLY,
    voices=QWEN35_VOICES,
    default_voice="Tina",
    tariff=Tariff(audio_in=7.0),
    writer=Snapshots,
    session_shape="flat",
    skips_same_language=True,
    accepts_opus=True,
)

QWEN38 = Generation(
    name="qwen3.8-livetranslate",
    spoken=languages.QWEN35_SPOKEN,
    text_only=languages.QWEN35_TEXT_ONLY,
    voices=QWEN35_VOICES,
    default_voice="Tina",
    tariff=Tariff(audio_in=7.0),
    writer=Deltas,
    session_shape="nested",
    update_paths=NESTED_PATHS,
    detection=TurnDetection(type="speaker_detection", silence_ms=2500),
    detection_types=("speaker_detection", "server_vad"),
    fixed_threshold=0.5,
    rates_in=(16_000,),
    transcribes_always=True,
    needs_translation=True,
    commit_under_vad=True,
    opens_response_with_turn=True,
    bare_response_created=True,
    shows_speaker=True,
)

GENERATIONS = (QWEN3, QWEN35, QWEN38)


def family_for(model: str) -> Generation | None:
    """The generation of a model name, or None if it is no interpretation model.

    Any name with ``livetranslate`` in it is one; without a known prefix it is the newest.
    """
    name = model.lower()
    if "livetranslate" not in name:
        return None
    if name.startswith("qwen3-"):
        return QWEN3
    if name.startswith("qwen3.5-"):
        return QWEN35
    return QWEN38
