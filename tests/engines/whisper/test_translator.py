"""Whisper's own translation: what it is given, what it refuses, and the model that it shares."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dragoman.engines import registry
from dragoman.engines.base import EngineUnavailable, Translation
from dragoman.engines.whisper import model as whisper_model
from dragoman.engines.whisper.engine import Whisper
from dragoman.engines.whisper.model import WhisperModel, model_folder
from dragoman.engines.whisper.translator import NotUnderstood, WhisperTranslate
from tests import recordings
from tests.engines.whisper import tiny_model
from tests.recordings import needs_shared, spoken_words

pytestmark = pytest.mark.engine

HZ = 16_000


@pytest.fixture(scope="module")
def engine() -> Iterator[WhisperTranslate]:
    engine = WhisperTranslate()
    try:
        engine.load()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    yield engine
    engine.close()


def german() -> recordings.Recording:
    return next(one for one in recordings.shared("de") if one.id == "de_thorsten_03")


def request(text: str, samples: np.ndarray, source: str = "de", target: str = "en") -> Translation:
    return Translation(text, source, target, speech=samples.astype(np.float32).tobytes())


@needs_shared
def test_german_speech_becomes_a_gist_in_english(engine: WhisperTranslate) -> None:
    clip = german()
    found = engine.translate(request(clip.transcript, clip.samples()))
    assert "europe and asia" in spoken_words(found)
    assert found.endswith(".")
    assert engine.info.quality == "gist"
    half = engine.translate(request(clip.transcript.rstrip("."), clip.samples()))
    assert not half.endswith("."), "a text may be half a sentence"


@pytest.mark.parametrize(
    "samples",
    [np.zeros(0), np.zeros(3 * HZ), np.random.default_rng(0).normal(0, 0.01, 3 * HZ),
     np.zeros(29 * HZ)],
    ids=["nothing", "silence", "noise", "too much"],
)  # fmt: skip
def test_what_is_no_speech_has_no_translation(
    engine: WhisperTranslate, samples: np.ndarray
) -> None:
    with pytest.raises(NotUnderstood):
        engine.translate(request("Guten Morgen.", samples))


@needs_shared
def test_more_than_was_said_is_refused(engine: WhisperTranslate) -> None:
    clip = next(one for one in recordings.shared("de") if one.id == "de_azdoc_audio2")
    with pytest.raises(NotUnderstood):
        engine.translate(request("Ja", clip.samples()[: 20 * HZ]))


def test_other_directions_are_refused(engine: WhisperTranslate) -> None:
    for source, target in (("fr", "en"), ("de", "es"), ("zh", "en")):
        with pytest.raises(ValueError, match="direction"):
            engine.translate(request("Ja", np.zeros(HZ), source, target))


@pytest.mark.parametrize("language", ["zh", "ja", "ko", "en", "ar"])
def test_languages_of_which_it_invents_are_refused_as_an_option(language: str) -> None:
    with pytest.raises(registry.RegistryError, match=f"does not translate from {language}:"):
        registry.make(f"whisper-translate?languages=de;{language}")
    more = registry.make("whisper-translate?languages=de;fr;es-419")
    assert more.info.pairs == (("de", "en"), ("fr", "en"), ("es", "en"))


@pytest.mark.parametrize("name", ["large-v3-turbo", "base.en", "/models/distil-large-v3"])
def test_models_that_do_not_translate_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not trained to translate"):
        WhisperTranslate(model=name)


def test_recogniser_and_translator_share_one_model_until_both_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        folder = model_folder("base")
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    tiny = str(tiny_model.write(tmp_path / "tiny", folder / "tokenizer.json"))
    opened: list[str] = []

    class Counted(WhisperModel):
        def __init__(self, model: str, *settings: Any) -> None:
            opened.append(model)
            super().__init__(model, *settings)

    monkeypatch.setattr(whisper_model, "WhisperModel", Counted)
    engines = [Whisper(model=tiny), WhisperTranslate(model=tiny), WhisperTranslate(model=tiny)]
    for one in engines:
        one.load()
    assert opened == [tiny]
    engines[0].close()
    with suppress(NotUnderstood):  # random weights; but the model is still there
        engines[1].translate(request("Ja", np.zeros(HZ)))
    other = WhisperTranslate(model=tiny, threads=2)
    other.load()
    assert opened == [tiny] * 2, "other settings are another model"
    for one in [*engines, other]:
        one.close()
    gc.collect()
    engines[0].load()
    assert opened == [tiny] * 3, "nobody had it any more"
    engines[0].close()
