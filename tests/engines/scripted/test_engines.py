"""The scripted engines: scripts, rules, failures on request, output that is bit-exact."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest

from dragoman.engines.base import EngineUnavailable, Translation, Utterance, Window
from dragoman.engines.scripted.engines import ScriptedAsr, ScriptedMt, ScriptedTts
from dragoman.engines.scripted.interpreter import ScriptedInterpreter
from dragoman.engines.scripted.rules import translated
from dragoman.engines.scripted.script_file import Script, ScriptedFailure, parse_script
from dragoman.speech import Audio, Heard, Interpret, Translated, TurnDone, joined_text

SCRIPT = """
[[utterances]]
text = "Good morning, everyone."
language = "en"
at_ms = 500
words_per_second = 2

[[utterances]]
language = "fr"
confidence = 0.3
words = [{text = "Bonjour", at_ms = 0}, {text = "tous", at_ms = 400, confidence = 0.9}]

[[utterances]]
text = "this one fails here"
fail_at_word = 3
gap_ms = 1000

[translation]
fail_on = ["unspeakable"]
[translation.words.es]
"good morning" = "buenos días"
everyone = "todos"

[speech]
fail_on = ["mute"]
"""


def sound(seconds: float) -> np.ndarray:
    return (0.1 * np.sin(np.arange(int(seconds * 16_000)) / 5)).astype(np.float32)


def window(samples: np.ndarray, at_ms: int = 0) -> Window:
    return Window(samples.tobytes(), at_ms=at_ms)


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "script.toml"
    path.write_text(SCRIPT, encoding="utf-8")
    return str(path)


def loaded(engine):
    engine.load()
    return engine


# ---------------------------------------------------------------- recognition
def test_words_are_recognised_at_their_time_in_the_session(script: str) -> None:
    asr = loaded(ScriptedAsr(script=script))
    ends = [0.7, 0.9, 1.3, 2.0, 3.0]
    heard = [joined_text(asr.transcribe([window(sound(end))])[0].words) for end in ends]
    assert heard == [
        "", "Good", "Good morning,", "Good morning, everyone.", "Good morning, everyone.",
    ]  # fmt: skip


def test_a_later_window_has_the_later_utterance_with_its_language_and_confidence(
    script: str,
) -> None:
    found = loaded(ScriptedAsr(script=script)).transcribe([window(sound(1.5), 3400)])[0]
    assert joined_text(found.words) == "Bonjour tous"
    assert (found.language, found.confidence) == ("fr", 0.3)
    assert [(w.start_ms, w.end_ms, w.confidence) for w in found.words] == [
        (100, 400, 0.3),
        (500, 800, 0.9),
    ]


def test_a_script_that_names_no_language_is_english_unless_the_session_says(
    tmp_path: Path,
) -> None:
    """Without any language the cascade could not tell that there is something to translate."""
    path = tmp_path / "plain.toml"
    path.write_text('[[utterances]]\ntext = "hello"\nat_ms = 0\n')
    asr = ScriptedAsr(script=str(path))
    asr.load()
    heard = [Window(samples=bytes(4 * 16_000), language=said) for said in (None, "fr")]
    assert [hypothesis.language for hypothesis in asr.transcribe(heard)] == ["en", "fr"]


@pytest.mark.parametrize("scripted", [True, False])
def test_windows_cut_anywhere_give_every_word_once(script: str, scripted: bool) -> None:
    asr = loaded(ScriptedAsr(script=script if scripted else ""))
    audio = sound(2.4)
    whole = joined_text(asr.transcribe([window(audio)])[0].words)
    assert len(whole.split()) == (3 if scripted else 6)
    for cut_ms in range(0, 2400, 7):
        at = cut_ms * 16
        halves = asr.transcribe([window(audio[:at]), window(audio[at:], cut_ms)])
        assert " ".join(joined_text(h.words) for h in halves).strip() == whole, cut_ms
        assert all(word.end_ms is not None and word.end_ms <= cut_ms for word in halves[0].words)


def test_a_script_can_fail_at_a_word(script: str) -> None:
    asr = loaded(ScriptedAsr(script=script))
    start_ms = 5200
    assert joined_text(asr.transcribe([window(sound(0.8), start_ms)])[0].words) == "this one"
    with pytest.raises(ScriptedFailure, match="word 3"):
        asr.transcribe([window(sound(1.2), start_ms)])


def test_without_a_script_sound_makes_words_and_silence_none() -> None:
    asr = loaded(ScriptedAsr())
    audio = np.concatenate([sound(0.8), np.zeros(12_800, np.float32), sound(0.8)])
    whole = asr.transcribe([window(audio)])[0]
    assert joined_text(whole.words) == "One two five. Six"
    later = asr.transcribe([window(audio[16 * 400 :], 400)])[0]
    assert whole.words[1:] == tuple(
        type(w)(w.text, w.confidence, w.start_ms + 400, w.end_ms + 400) for w in later.words
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "[[utterances]]\ntext = 'a'\nspeling = 1",
        "[[utterances]]\nlanguage = 'en'",
        "[[utterances]]\ntext = 'a'\nwords_per_second = 0",
        "[[utterances]]\nwords = [{text = 'a', at_ms = 9}, {text = 'b', at_ms = 1}]",
        "not toml",
    ],
)
def test_mistakes_in_scripts_are_found_at_load(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(wrong)
    for engine in (ScriptedAsr, ScriptedMt, ScriptedTts, ScriptedInterpreter):
        with pytest.raises(EngineUnavailable, match=r"wrong\.toml"):
            engine(script=str(path)).load()


def test_json_is_read_as_well() -> None:
    found = parse_script(b'{"utterances": [{"text": "Hi there"}]}', json=True)
    assert [word.text for word in found.scenes[0].words] == ["Hi", "there"]
    assert parse_script(b"") == Script()


# ---------------------------------------------------------------- translation
def test_dictionary_first_then_tags(script: str) -> None:
    mt = loaded(ScriptedMt(script=script))
    text = "Good morning, everyone, it's 你好!"
    assert mt.translate(Translation(text, "en", "es")) == (
        "buenos días, todos, it's-es 你-es好-es!"
    )
    with pytest.raises(ScriptedFailure):
        mt.translate(Translation("the unspeakable", "en", "es"))


def test_the_beginning_of_a_text_translates_to_the_beginning_of_its_translation() -> None:
    text = "One two, three. Four-and-a-half five!"
    whole = translated(text, "fr", {"three": "trois"})
    words = text.split()
    for count in range(len(words)):
        assert whole.startswith(translated(" ".join(words[:count]), "fr", {"three": "trois"}))


# ---------------------------------------------------------------- speech
def test_tones_are_the_same_on_every_machine() -> None:
    tts = loaded(ScriptedTts())
    pcm = b"".join(tts.synthesize(Utterance("Hello, world!", "tone", "en")))
    assert zlib.crc32(pcm) == 147_965_898  # whole numbers only: the same everywhere
    assert len(list(tts.synthesize(Utterance("Hello, world!", "tone", "en")))) == 2


def test_words_and_voices_differ_in_pitch_and_volume_scales() -> None:
    tts = loaded(ScriptedTts(rate_hz=16_000))

    def peak_hz(text: str, **changes: object) -> float:
        pcm = b"".join(tts.synthesize(Utterance(text, "tone", "en", **changes)))
        wave = np.frombuffer(pcm, "<i2").astype(float)
        return float(np.abs(np.fft.rfft(wave, 65_536)).argmax() * 16_000 / 65_536)

    assert peak_hz("hello") == pytest.approx(peak_hz("Hello"), abs=1)
    assert abs(peak_hz("hello") - peak_hz("world")) > 10
    assert peak_hz("hello", pitch=1.5) == pytest.approx(1.5 * peak_hz("hello"), rel=0.02)
    loudest = b"".join(tts.synthesize(Utterance("hello", "tone", "en", volume=100)))
    assert 16_000 < np.abs(np.frombuffer(loudest, "<i2").astype(int)).max() <= 16_384


def test_speech_can_fail_after_its_first_words(script: str) -> None:
    pieces = loaded(ScriptedTts(script=script)).synthesize(Utterance("one mute", "tone", "en"))
    assert next(pieces)
    with pytest.raises(ScriptedFailure):
        next(pieces)


# ---------------------------------------------------------------- end to end
def test_every_session_begins_with_the_first_utterance(script: str) -> None:
    engine = loaded(ScriptedInterpreter(script=script))
    pcm = (sound(2.5) * 32_767).astype("<i2").tobytes() + bytes(2 * 24_000)
    for _ in range(2):
        session = engine.start(Interpret(target="es"))
        facts = session.feed(Audio(pcm))
        assert [f.text for f in facts if isinstance(f, Heard) and f.final] == [
            "Good morning, everyone."
        ]
        assert [f.text for f in facts if isinstance(f, Translated) and f.final] == [
            "Good-es morning-es, todos."
        ]
        assert [f for f in facts if isinstance(f, TurnDone)] == [TurnDone(1, 2500)]


def test_a_turn_that_was_too_short_still_has_its_whole_utterance(script: str) -> None:
    session = loaded(ScriptedInterpreter(script=script)).start(Interpret(target="es"))
    session.feed(Audio((sound(0.7) * 32_767).astype("<i2").tobytes()))
    finals = [f.text for f in session.finish() if isinstance(f, Heard) and f.final]
    assert finals == ["Good morning, everyone."]
