"""Voices of sherpa-onnx with real models: a Piper voice and Kokoro, without espeak-ng."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dragoman.engines.base import EngineUnavailable, Unspeakable, Utterance
from dragoman.engines.shared.english.tables import read_json
from dragoman.engines.shared.model_store import find_model
from dragoman.engines.sherpa.onnx_file import metadata_bytes
from dragoman.engines.sherpa.tts import RATE_HZ, SherpaTts
from dragoman.engines.sherpa.voices import voice_table
from tests.engines.round_trip import SENTENCES, errors, heard, words

TEXT = "Could you tell me where the nearest pharmacy is, please?"


@pytest.fixture(scope="module")
def engine() -> Iterator[SherpaTts]:
    engine = SherpaTts(model="piper-en-us-joe", languages=("en",))
    engine.load()
    yield engine
    engine.close()


def seconds(engine: SherpaTts, text: str = TEXT, voice: str = "Cherry", **more: float) -> float:
    pcm = b"".join(engine.synthesize(Utterance(text, voice, "en", **more)))  # type: ignore[arg-type]
    return len(pcm) / 2 / RATE_HZ


@pytest.mark.engine
def test_a_piper_voice_speaks_english_without_the_program_of_piper(engine: SherpaTts) -> None:
    wrong = sum(errors(words(text), heard(engine, text, "Cherry")) for text in SENTENCES)
    assert wrong <= 0.12 * sum(len(words(text)) for text in SENTENCES)


@pytest.mark.engine
def test_rate_and_voice_are_heard(engine: SherpaTts) -> None:
    usual = seconds(engine)
    assert 2 < usual < 4
    assert seconds(engine, rate=2.0) < 0.75 * usual
    assert seconds(engine, voice="Rocky") == pytest.approx(usual, rel=0.25)


@pytest.mark.engine
def test_the_first_clause_comes_alone_and_the_rest_may_be_cancelled(engine: SherpaTts) -> None:
    pieces = engine.synthesize(Utterance(f"{TEXT} {TEXT * 3}", "Cherry", "en"))
    first = next(iter(pieces))
    pieces.close()  # type: ignore[attr-defined]  # a generator
    assert 0.5 < len(first) / 2 / RATE_HZ < 4
    assert seconds(engine) > 2


@pytest.mark.engine
def test_what_the_voice_cannot_read_is_refused_and_not_skipped(engine: SherpaTts) -> None:
    with pytest.raises(Unspeakable):
        seconds(engine, "漢字です")
    with pytest.raises(ValueError, match="no voice for 'es'"):
        list(engine.synthesize(Utterance("hola", "Cherry", "es")))
    for nothing in ("", "...", "😀", "\0"):
        assert seconds(engine, nothing) == 0


@pytest.mark.engine
def test_another_language_needs_a_lexicon(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for languages in (("es",), ("en", "es")):
        with pytest.raises(EngineUnavailable, match="piper-en-us-joe has no lexicon"):
            SherpaTts(model="piper-en-us-joe", languages=languages).load()
    packed, folder = find_model("piper-en-us-joe"), tmp_path / "voice"
    folder.mkdir()
    for name in ("en_US-joe-medium.onnx", "en_US-joe-medium.onnx.json"):
        (folder / name).symlink_to(packed / name)
    (folder / "lexicon.txt").write_text("hola o l a\nmundo m u n d o\n", encoding="utf-8")
    engine = SherpaTts(model=str(folder), languages=("es",))
    engine.load()
    capfd.readouterr()
    pcm = b"".join(engine.synthesize(Utterance("Hola secreto mundo.", "Cherry", "es")))
    assert 0.3 < len(pcm) / 2 / RATE_HZ < 3
    os.write(2, b"stderr is as before")
    assert capfd.readouterr().err == "stderr is as before", "the unknown word is not logged"


@pytest.mark.engine
def test_a_description_that_is_none_is_said(tmp_path: Path) -> None:
    packed = find_model("piper-en-us-joe")
    (tmp_path / "a.onnx").symlink_to(packed / "en_US-joe-medium.onnx")
    for content in ("{}", "no json", json.dumps({"audio": 1, "espeak": 2}), "[]"):
        (tmp_path / "a.onnx.json").write_text(content)
        with pytest.raises(EngineUnavailable, match="describes no Piper voice"):
            SherpaTts(model=str(tmp_path), languages=("en",)).load()


@pytest.mark.engine
def test_kokoro_speaks_with_the_speakers_of_its_file(tmp_path: Path) -> None:
    packed = find_model("kokoro-ja")
    with np.load(packed / "voices_ja.npz") as archive:
        styles = {name: archive[name].astype("<f4") for name in sorted(archive.files)}
    np.concatenate([style.reshape(-1) for style in styles.values()]).tofile(tmp_path / "voices.bin")
    notes = {
        "model_type": "kokoro",
        "version": "2",
        "has_espeak": "1",
        "language": "English",
        "sample_rate": "24000",
        "style_dim": "510,1,256",
        "n_speakers": str(len(styles)),
        "speaker_names": ",".join(styles),
    }
    model = (packed / "model.onnx").read_bytes() + metadata_bytes(notes)
    (tmp_path / "model.onnx").write_bytes(model)
    tokens = read_json(packed / "vocab.json")["vocab"]
    listed = "".join(f"{sound} {number}\n" for sound, number in tokens.items())
    (tmp_path / "tokens.txt").write_text(listed, encoding="utf-8")
    engine = SherpaTts(model=str(tmp_path), languages=("en",))
    engine.load()
    assert set(engine._opened.speakers) == set(styles)
    assert errors(words(TEXT), heard(engine, TEXT, "Cherry")) <= 1


def test_names_with_a_language_and_a_gender_go_to_fitting_voices() -> None:
    speakers = {"af_heart": 0, "am_adam": 1, "jf_alpha": 2, "zm_yunxi": 3}
    english, chinese = (voice_table(speakers, tag, 1.0) for tag in ("en", "zh"))
    assert {english.of(name).variant for name in ("Cherry", "Tina", "nobody")} == {"af_heart"}
    assert english.of("Ethan").variant == "am_adam"
    assert {chinese.of(name).variant for name in ("Cherry", "Ethan")} == {"zm_yunxi"}
    assert english.of("Cherry").size == 1
    assert len({english.of(name).size for name in ("Cherry", "Tina", "Serena")}) == 3
    plain = voice_table({"0": 0, "1": 1}, "en", 0.0)
    assert [plain.of(name).variant for name in ("Cherry", "Tina", "Ethan")] == ["0", "1", "0"]
