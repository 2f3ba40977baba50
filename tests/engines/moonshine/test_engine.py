"""Moonshine's tokens, forced prefixes, loops and files."""

from __future__ import annotations

import numpy as np
import pytest

from dragoman.engines.base import EngineUnavailable, Window
from dragoman.engines.moonshine.engine import Moonshine
from dragoman.engines.moonshine.glossary_bias import PhraseBias, PhraseTree
from dragoman.engines.moonshine.tokenizer import Tokenizer
from dragoman.engines.shared.greedy_decoding import repeated_count
from dragoman.speech import Hints, joined_text
from tests import recordings

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def engine():
    engine = Moonshine()
    try:
        engine.load()
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def tokens(engine: Moonshine) -> Tokenizer:
    return engine._opened.tokens


def dickens(seconds: float) -> np.ndarray:
    return recordings.read(recordings.two_cities())[: int(seconds * 16_000)]


# ---------------------------------------------------------------- tokens
@pytest.mark.parametrize("text", ["Good morning, Mr. O'Neil!", "naïve café", "你好 😀", "a"])
def test_text_goes_to_tokens_and_back(tokens: Tokenizer, text: str) -> None:
    ids = tokens.encode(text)
    assert [word for word, _ in tokens.words(ids)] == text.split()
    assert sorted(at for _, positions in tokens.words(ids) for at in positions) == list(
        range(len(ids))
    )


def test_the_models_own_tokens_are_those_of_its_text(engine: Moonshine, tokens: Tokenizer) -> None:
    model, samples = engine._opened, dickens(8)
    ids, logprobs = model.decode(model.encode(samples), samples.size, [], None)
    assert len(logprobs) == len(ids) + 1  # one more for the end
    assert tokens.encode(" ".join(word for word, _ in tokens.words(ids))) == ids


def test_control_tokens_are_no_words(tokens: Tokenizer) -> None:
    assert tokens.words([0, 1, 2, 32_700]) == []


@pytest.mark.parametrize(
    ("ids", "extra"),
    [
        ([1, 2, 3, 4], 0),
        ([7, 5, 5, 5], 0),  # "no, no, no" is speech
        ([7, 5, 5, 5, 5, 5, 5], 5),
        ([9, 1, 2, 3, 1, 2, 3], 0),
        ([9, 1, 2, 3, 1, 2, 3, 1, 2, 3], 6),
    ],
)
def test_loops_are_distinguished_from_spoken_repetition(ids: list[int], extra: int) -> None:
    assert repeated_count(ids) == extra


def test_a_glossary_biases_its_phrases_token_by_token() -> None:
    bias = PhraseBias(PhraseTree([[3, 4, 5], [6]]), boost=2.0)

    def usable_hints() -> dict[int, float]:
        logits = np.zeros(10, np.float32)
        bias.apply(logits)
        return {at: float(value) for at, value in enumerate(logits) if value}

    assert usable_hints() == {3: 2.0, 6: 2.0}
    bias.follow(3)
    assert usable_hints() == {3: 2.0, 4: 3.0, 6: 2.0}
    bias.follow(4)
    assert usable_hints() == {3: 2.0, 5: 3.0, 6: 2.0}
    bias.follow(9)
    assert usable_hints() == {3: 2.0, 6: 2.0}


# ---------------------------------------------------------------- windows
def test_a_committed_prefix_comes_back_unchanged(engine: Moonshine) -> None:
    audio = dickens(8).tobytes()
    free = engine.transcribe([Window(audio, "en")])[0]
    for count in (1, 5, len(free.words) - 1, len(free.words)):
        prefix = joined_text(free.words[:count])
        forced = engine.transcribe([Window(audio, "en", prefix=prefix)])[0]
        assert joined_text(forced.words[:count]) == prefix
        assert joined_text(forced.words) == joined_text(free.words)
        assert abs(forced.confidence - free.confidence) < 0.1


def test_the_word_after_a_prefix_is_a_word_of_its_own(engine: Moonshine) -> None:
    found = engine.transcribe([Window(dickens(8).tobytes(), prefix="It was the be")])[0]
    assert [word.text for word in found.words[:4]] == ["It", "was", "the", "be"]


def test_a_wrong_prefix_has_low_confidence_and_loses_no_words_behind_it(
    engine: Moonshine,
) -> None:
    audio = dickens(4).tobytes()
    wrong = "Quarterly revenue of the aluminium smelter fell sharply"
    heard = engine.transcribe([Window(audio, prefix=wrong)])[0]
    forced = heard.words[: len(wrong.split())]
    assert min(word.confidence or 0.0 for word in forced) < 0.1
    assert heard.confidence >= 0.6


def test_the_spelling_of_a_forced_word_does_not_lower_the_confidence_behind_it(
    engine: Moonshine,
) -> None:
    audio = dickens(6).tobytes()
    spelled = engine.transcribe([Window(audio, prefix="It was the best")])[0]
    lowered = engine.transcribe([Window(audio, prefix="it was the best")])[0]
    assert lowered.confidence >= engine.info.confidence_gate
    assert [w.text for w in lowered.words[4:]] == [w.text for w in spelled.words[4:]]


def test_a_glossary_leaves_other_speech_alone(engine: Moonshine) -> None:
    audio = dickens(8).tobytes()
    phrases = {"ComfyUI folder": "", "Kubernetes": "", "Dragoman": ""}
    plain, biased = (
        joined_text(engine.transcribe([Window(audio, hints=Hints(hints))])[0].words)
        for hints in ({}, phrases)
    )
    assert biased == plain


def test_noise_ends_and_stays_below_the_gate(engine: Moonshine) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 10 * 16_000).astype(np.float32)
    found = engine.transcribe([Window(noise.tobytes())])[0]
    assert found.confidence < engine.info.confidence_gate
    assert len(found.words) < 80


def test_other_languages_and_endless_windows_are_refused(engine: Moonshine) -> None:
    with pytest.raises(ValueError, match="English"):
        engine.transcribe([Window(b"", "fr")])
    with pytest.raises(ValueError, match="60 s"):
        engine.transcribe([Window(bytes(4 * 16_000 * 61))])
    assert engine.transcribe([Window(dickens(2).tobytes(), "en-GB")])[0].words


@recordings.needs_pocketsphinx
def test_a_glossary_decides_between_two_spellings(engine: Moonshine) -> None:
    clip = next(clip for clip in recordings.pocketsphinx() if clip.id.endswith("0880"))
    hints = Hints({"ill-disposed": "mal dispuesto"})
    found = engine.transcribe([Window(clip.samples().tobytes(), hints=hints)])[0]
    assert "ill-disposed" in joined_text(found.words)
