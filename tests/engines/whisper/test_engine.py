"""Whisper on real recordings, on sounds without speech, and with files that are wrong."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import jiwer
import numpy as np
import pytest

from dragoman.engines.base import EngineUnavailable, Window
from dragoman.engines.whisper.engine import Whisper
from dragoman.engines.whisper.model import WhisperModel, model_folder
from dragoman.speech import Hints, Hypothesis, joined_text
from tests import recordings
from tests.engines.whisper import tiny_model
from tests.recordings import needs_shared

pytestmark = pytest.mark.engine

HZ = 16_000
MOST_ERRORS = {
    "en": 0.2, "es": 0.4, "fr": 0.4, "de": 0.6, "it": 0.6, "pt": 0.5, "ca": 0.6,
    "zh": 0.45, "ja": 0.45, "ko": 0.5,
}  # fmt: skip
"""Share of wrong words, or of wrong characters where words are not told apart by spaces."""
BY_CHARACTER = {"zh", "ja", "ko"}


@pytest.fixture(scope="module")
def engine() -> Iterator[Whisper]:
    engine = Whisper()
    try:
        engine.load()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    yield engine
    engine.close()


def heard(engine: Whisper, samples: np.ndarray, language: str | None, **more: str) -> Hypothesis:
    return engine.transcribe([Window(samples.tobytes(), language, **more)])[0]


def clip(language: str) -> recordings.Recording:
    """A recording of the language that people made: one that is whole in a window, if there is."""
    clips = [one for one in recordings.shared(language) if one.human]
    return min(clips, key=lambda one: (one.duration_s > 9, -one.duration_s))


def folded(text: str, language: str) -> str:
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    kept = "".join(c if unicodedata.category(c)[0] in "LNM'" else " " for c in text)
    return "".join(kept.split()) if language in BY_CHARACTER else " ".join(kept.split())


# ---------------------------------------------------------------- recordings
@needs_shared
@pytest.mark.parametrize("language", MOST_ERRORS)
def test_a_recording_of_each_language_is_recognised(engine: Whisper, language: str) -> None:
    spoken = clip(language)
    found = heard(engine, spoken.samples()[: 27 * HZ], language)
    said = spoken.transcript
    if spoken.duration_s > 27:
        said = " ".join(said.split()[: int(27 / spoken.duration_s * len(said.split()))])
    rate = jiwer.cer if language in BY_CHARACTER else jiwer.wer
    errors = float(rate(folded(said, language), folded(joined_text(found.words), language)))
    print(f"\n{language} {spoken.id} {errors:.2f} {found.confidence:.2f}")
    assert errors <= MOST_ERRORS[language]
    assert found.confidence >= engine.info.confidence_gate
    assert found.language == language


@needs_shared
@pytest.mark.parametrize("language", ["en", "es", "fr", "zh", "ja", "ko"])
def test_the_language_is_found_where_none_is_declared(engine: Whisper, language: str) -> None:
    found = heard(engine, clip(language).samples()[: 5 * HZ], None)
    assert found.language == language
    assert found.language_confidence > 0.8


@needs_shared
def test_only_the_operators_languages_are_guessed() -> None:
    engine = Whisper(languages=("en", "DE"))
    assert engine.info.languages == ("en", "de")
    engine.load()
    assert heard(engine, clip("es").samples()[: 3 * HZ], None).language in {"en", "de"}
    with pytest.raises(ValueError, match="es"):
        heard(engine, np.zeros(HZ, np.float32), "es")
    engine.close()


@needs_shared
def test_words_have_times_in_order_within_the_window(engine: Whisper) -> None:
    samples = clip("es").samples()[: 6 * HZ]
    words = heard(engine, samples, "es").words
    times = [time for word in words for time in (word.start_ms, word.end_ms)]
    assert times == sorted(times)
    assert times[-1] <= len(samples) * 1000 // HZ
    assert times[-1] - times[0] > 3_000


@needs_shared
def test_a_batch_gives_what_single_windows_give(engine: Whisper) -> None:
    samples = clip("es").samples()
    windows = [
        Window(samples[: 5 * HZ].tobytes(), "es"),
        Window(b"", "es"),
        Window(clip("zh").samples()[: 4 * HZ].tobytes(), "zh"),
        Window(samples[HZ : 6 * HZ].tobytes(), "es"),
        Window(clip("en").samples()[: 5 * HZ].tobytes()),
        Window(samples[: 2 * HZ].tobytes(), "es"),
    ]
    single = [engine.transcribe([window])[0] for window in windows]
    together = engine.transcribe(windows)
    for one, other in zip(single, together, strict=True):
        assert joined_text(one.words) == joined_text(other.words)
        assert one.confidence == pytest.approx(other.confidence, abs=0.05)


@needs_shared
def test_hints_are_told_only_on_request(engine: Whisper) -> None:
    samples, hints = clip("fr").samples()[: 4 * HZ], Hints({"eaux et forêts": "", "Consulat": ""})
    window = Window(samples.tobytes(), "fr", hints)
    assert engine.transcribe([window])[0] == heard(engine, samples, "fr")
    told = Whisper(prompt=True)
    told._resource = engine._opened
    assert "Consulat" in joined_text(told.transcribe([window])[0].words)


# ---------------------------------------------------------------- no speech
def sounds() -> dict[str, np.ndarray]:
    time, rng = np.arange(3 * HZ) / HZ, np.random.default_rng(5)
    tones = [261.6, 329.6, 392.0, 523.3]
    melody = [0.2 * np.sin(2 * np.pi * tone * time[: HZ // 2]) for tone in tones]
    return {
        "silence": np.zeros(2 * HZ, np.float32),
        "quiet noise": rng.normal(0, 0.003, 2 * HZ).astype(np.float32),
        "noise": rng.normal(0, 0.1, 3 * HZ).astype(np.float32),
        "hum": (0.1 * np.sin(2 * np.pi * 50 * time)).astype(np.float32),
        "chord": sum(0.1 * np.sin(2 * np.pi * tone * time) for tone in tones).astype(np.float32),
        "melody": np.concatenate(melody).astype(np.float32),
    }


@pytest.mark.parametrize("name", sounds())
def test_nothing_is_said_of_sounds_without_speech(engine: Whisper, name: str) -> None:
    gate = engine.info.confidence_gate
    for language in ("en", "es", "de", "zh", None):
        found = heard(engine, sounds()[name], language)
        assert not found.words or found.confidence < gate, joined_text(found.words)


# ---------------------------------------------------------------- words
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Sí, señor. ¿Qué?", ["Sí,", "señor.", "¿Qué?"]),
        ("广州市，很大。", ["广", "+州", "+市，", "+很", "+大。"]),
        ("使用Custom Speech工具", ["使", "+用", "+Custom", "Speech", "+工", "+具"]),
        ("「はい」と言った", ["「は", "+い」", "+と", "+言", "+っ", "+た"]),
        ("그는 길 한", ["그는", "길", "한"]),
        ("ที่นี่", ["ที่", "+นี่"]),
        ("– naïve 😀 5 %", ["naïve", "5", "%"]),
    ],
)
def test_words_are_those_of_the_script(engine: Whisper, text: str, words: list[str]) -> None:
    vocabulary = engine._opened.vocabulary
    ids = vocabulary.encode(text)
    found = vocabulary.words(ids)
    assert [("+" if joined else "") + word for word, _, joined in found] == words
    assert all(0 <= at < len(ids) for _, positions, _ in found for at in positions)


# ---------------------------------------------------------------- files and machines
@pytest.fixture(scope="module")
def tiny(engine: Whisper, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whisper") / "tiny"
    return tiny_model.write(folder, model_folder("base") / "tokenizer.json", mels=128)


def test_a_folder_with_a_model_of_128_mels_is_used(tiny: Path) -> None:
    engine = Whisper(model=str(tiny), languages=("en",))
    engine.load()
    found = heard(engine, np.zeros(HZ, np.float32), "en")
    assert found.language == "en"
    assert engine._opened.mels == 128
    engine.close()


@pytest.mark.parametrize("name", ["model.bin", "config.json", "tokenizer.json"])
def test_a_missing_file_is_named(tiny: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(tiny, tmp_path / "folder")
    (tmp_path / "folder" / name).unlink()
    with pytest.raises(EngineUnavailable, match=name):
        Whisper(model=str(tmp_path / "folder")).load()


@pytest.mark.parametrize("name", ["model.bin", "tokenizer.json"])
@pytest.mark.parametrize("kept", [0.0, 0.6])
def test_a_truncated_file_is_named(tiny: Path, tmp_path: Path, name: str, kept: float) -> None:
    shutil.copytree(tiny, tmp_path / "folder")
    path = tmp_path / "folder" / name
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(EngineUnavailable, match=name):
        Whisper(model=str(tmp_path / "folder")).load()


def test_a_name_that_is_no_model_lists_those_that_are() -> None:
    with pytest.raises(EngineUnavailable, match="whisper-base"):
        Whisper(model="enormous").load()


def test_a_language_that_the_model_lacks_is_named_when_it_is_loaded() -> None:
    with pytest.raises(EngineUnavailable, match="tlh"):
        Whisper(languages=("en", "tlh")).load()


@pytest.mark.skipif(tiny_model.has_gpu(), reason="there is a GPU here")
def test_without_a_gpu_cuda_is_refused_and_auto_is_the_cpu(tiny: Path) -> None:
    with pytest.raises(EngineUnavailable, match="device=auto"):
        Whisper(model=str(tiny), device="cuda").load()
    assert WhisperModel(str(tiny), "auto", "", 1, 1).device == "cpu"


def test_an_impossible_compute_type_is_refused(tiny: Path) -> None:
    with pytest.raises(EngineUnavailable, match="int3"):
        Whisper(model=str(tiny), compute_type="int3").load()


@pytest.mark.parametrize("package", ["ctranslate2", "tokenizers"])
def test_a_missing_package_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EngineUnavailable, match=f"{package}.*pip install"):
        Whisper().load()


def test_out_of_memory_is_said_plainly(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ctranslate2  # noqa: PLC0415 - the engine imports it as late

    def full(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA failed with error out of memory")

    monkeypatch.setattr(ctranslate2.models, "Whisper", full)
    with pytest.raises(EngineUnavailable, match="no room"):
        Whisper(model=str(tiny)).load()
