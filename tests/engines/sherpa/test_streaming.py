"""Streams of sherpa-onnx with a tiny model: what the words are, and what broken models do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from dragoman.engines import registry
from dragoman.engines.base import EngineUnavailable, Samples
from dragoman.engines.sherpa.streaming import SherpaAsr
from dragoman.runtime.hosts.host import EngineHost
from dragoman.runtime.hosts.make_host import make_host
from dragoman.runtime.hosts.process.host import ProcessHost
from dragoman.runtime.hosts.requests import RecognitionAudio, StartRecognition
from dragoman.speech import Hints, Hypothesis
from tests.engines.sherpa.tiny_models import WORDS, metadata, write_transducer
from tests.runtime.hosts.shared_hosts import open_host

pytestmark = pytest.mark.engine
RATE = 16_000
NO_HINTS = Hints()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_transducer(tmp_path_factory.mktemp("sherpa") / "tiny")


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[SherpaAsr]:
    engine = SherpaAsr(model=str(folder), languages=("en",))
    engine.load()
    yield engine
    engine.close()


def sound(seconds: float, seed: int = 1) -> Samples:
    """Noise, which the tiny model takes for speech."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.2, round(seconds * RATE)).astype(np.float32)


def hypotheses(engine: SherpaAsr, samples: Samples, hints: Hints = NO_HINTS) -> list[Hypothesis]:
    turn = engine.start("en", hints)
    found = [turn.feed(samples[at : at + 1600]) for at in range(0, samples.size, 1600)]
    return [*filter(None, found), turn.finish()]


def test_words_come_while_they_are_said_and_stay(engine: SherpaAsr) -> None:
    found = hypotheses(engine, sound(1.5))
    assert len(found) > 5
    for before, after in pairwise(found):
        assert len(after.words) >= len(before.words)
        assert after.words[: before.stable] == before.words[: before.stable]
        assert before.stable == len(before.words) - 1
    final = found[-1]
    assert final.stable == len(final.words)
    assert {word.text for word in final.words} <= {word.strip("▁") for word in WORDS}
    assert all(0 < (word.confidence or 0) < 1 for word in final.words)
    starts = [word.start_ms or 0 for word in final.words]
    assert starts == sorted(starts)
    assert starts[0] < 200
    assert 1300 < starts[-1] < 1500
    assert final.language == "en"


def test_the_last_chunk_is_heard_though_nothing_follows_it(engine: SherpaAsr) -> None:
    """The model works in chunks: what is said in the last one comes with the end of the turn."""
    turn = engine.start("en", Hints())
    assert turn.feed(sound(0.08)) is None
    assert turn.finish().words


def test_a_turn_without_sound_is_empty(engine: SherpaAsr) -> None:
    assert hypotheses(engine, np.zeros(RATE, np.float32))[-1].words == ()
    assert engine.start(None, Hints()).finish().words == ()


def test_languages_have_to_be_said(folder: Path) -> None:
    for spec in (f"sherpa-asr?model={folder}", "sherpa-offline-asr", "sherpa-tts?languages=en"):
        with pytest.raises(EngineUnavailable, match=r"which languages it knows: sherpa-\w+"):
            registry.make(spec).load()
    assert registry.make(f"sherpa-asr?model={folder}&languages=zh-CN;en").info.languages == (
        "zh",
        "en",
    )


def test_hotwords_are_preferred(tmp_path: Path) -> None:
    """With a bias that is stronger than what the model hears, the word of the glossary wins."""
    folder = write_transducer(tmp_path / "model")
    pieces = dict.fromkeys(word[:end] for word in WORDS for end in range(len(word), 0, -1))
    pieces |= dict.fromkeys("abcdefghijklmnopqrstuvwxyz")
    listed = "".join(f"{piece}\t{-1 - at / 10}\n" for at, piece in enumerate(pieces))
    (folder / "bpe.vocab").write_text(listed, encoding="utf-8")
    engine = SherpaAsr(model=str(folder), languages=("en",), boost=8.0)
    engine.load()
    plain = hypotheses(engine, sound(0.6))
    biased = hypotheses(engine, sound(0.6), Hints(phrases={"hello": "hola", "müll/:": ""}))
    assert {hypothesis.stable for hypothesis in plain} == {0}, "a beam search may change its mind"
    count = [[word.text for word in found[-1].words].count("hello") for found in (plain, biased)]
    assert count[1] > count[0]


# ---------------------------------------------------------------- in worker processes
@asynccontextmanager
async def hosted(spec: str) -> AsyncIterator[EngineHost]:
    engine = registry.make(spec, "asr")
    async with (
        asyncio.timeout(60),
        open_host(make_host(engine, spec=spec, threads=2, workers=2)) as host,
    ):
        yield host


@pytest.mark.anyio
async def test_streams_share_one_process_and_its_model_and_nothing_else(
    folder: Path, engine: SherpaAsr
) -> None:
    audios = [sound(0.8, seed=seed) for seed in (1, 2, 3)]
    alone = [hypotheses(engine, audio)[-1] for audio in audios]
    async with hosted(f"sherpa-asr?model={folder}&languages=en") as host:
        assert isinstance(host, ProcessHost)
        assert len(host.pids) == 1
        streams = [await host.open(StartRecognition("en")) for _ in audios]
        for at in range(0, audios[0].size, 1600):
            steps = zip(streams, audios, strict=True)
            await asyncio.gather(
                *(s.feed(RecognitionAudio(a[at : at + 1600].tobytes())) for s, a in steps)
            )
        assert await asyncio.gather(*(stream.finish() for stream in streams)) == alone


def truncated(folder: Path) -> None:
    whole = (folder / "encoder.onnx").read_bytes()
    (folder / "encoder.onnx").write_bytes(whole[: len(whole) // 2])


def without_metadata(folder: Path) -> None:
    """The library ends its process over this."""
    whole = (folder / "decoder.onnx").read_bytes()
    (folder / "decoder.onnx").write_bytes(whole.replace(metadata({"context_size": 2}), b""))


def of_another_type(folder: Path) -> None:
    whole = (folder / "encoder.onnx").read_bytes()
    (folder / "encoder.onnx").write_bytes(whole.replace(b"lstm", b"mamb"))


def garbage_in_the_graph(folder: Path) -> None:
    whole = bytearray((folder / "decoder.onnx").read_bytes())
    whole[20:60] = bytes(40)
    (folder / "decoder.onnx").write_bytes(whole)


def no_tokens(folder: Path) -> None:
    (folder / "tokens.txt").write_text("")


def few_tokens(folder: Path) -> None:
    whole = (folder / "tokens.txt").read_bytes()
    (folder / "tokens.txt").write_bytes(whole[: len(whole) // 2])


def missing(folder: Path) -> None:
    (folder / "decoder.onnx").unlink()


def html(folder: Path) -> None:
    (folder / "joiner.onnx").write_text("<html>404</html>")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "break_",
    [
        truncated,
        without_metadata,
        of_another_type,
        garbage_in_the_graph,
        no_tokens,
        few_tokens,
        missing,
        html,
    ],
    ids=lambda function: function.__name__,
)
async def test_a_broken_model_makes_the_engine_unavailable_and_nothing_worse(
    tmp_path: Path, break_: Callable[[Path], None]
) -> None:
    broken = write_transducer(tmp_path / "model")
    break_(broken)
    with pytest.raises(EngineUnavailable):
        async with hosted(f"sherpa-asr?model={broken}&languages=en"):
            pass


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("&provider=cuda", "built for the CPU"),
        ("&boost=1.5", r"need a file bpe\.vocab"),
        ("&kind=paraformr", "The option kind is one of"),
    ],
)
def test_what_cannot_be_is_said(folder: Path, options: str, reason: str) -> None:
    with pytest.raises(EngineUnavailable, match=reason):
        registry.make(f"sherpa-asr?model={folder}&languages=en{options}").load()
