"""Engines alone: the arithmetic of ratios, and every part with real libraries, shortly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from dragoman.engines.base import Window
from dragoman.engines.whisper.engine import Whisper
from dragoman.engines.whisper.model import model_folder
from dragoman.speech import joined_text
from dragoman_bench.engines import batching, endpoints, in_process, overhead
from dragoman_bench.engines.overhead import PairedTimes, Times
from dragoman_bench.engines.random_whisper import SHAPES, write
from dragoman_bench.figures import BenchFailed, Part
from dragoman_bench.report import SuiteResults
from tests.cli.run_command import run


def values(part: Part) -> dict[tuple[str, str], float | None]:
    return {(figure.part, figure.name): figure.value for figure in part.figures}


def test_both_do_the_same_in_turns_and_change_places() -> None:
    done: list[str] = []

    def work(name: str) -> Iterator[str]:
        done.append(name)
        yield name

    found = overhead.compare([(lambda: work("bare"), lambda: work("ours"))], 2)
    assert done[-4:] == ["bare", "ours", "ours", "bare"]
    assert len(found.bare) == len(found.ours) == 2, "what warms up is left out"


def test_the_ratio_is_the_median_of_the_rounds() -> None:
    bare = [Times(10, 5, 1), Times(100, 50, 1), Times(10, 5, 1)]
    ours = [Times(11, 10, 2), Times(120, 100, 2), Times(90, 10, 2)]
    found = {one.name: one for one in overhead.figures("x", PairedTimes(bare, ours))}
    assert found["ratio to bare"].value == pytest.approx(1.2)
    assert found["ratio to bare"].met is False
    assert found["ratio to bare, first piece"].value == 2
    assert found["CPU here, above bare"].value == 1


@pytest.mark.live
def test_adapters_and_bare_libraries_do_the_same_work() -> None:
    part = in_process.measure(quick=True)
    assert [name for name, raw in part.raw.items() if isinstance(raw, str)] == []
    ratios = [value for (_, name), value in values(part).items() if name == "ratio to bare"]
    assert len(ratios) == 3
    (window,) = in_process.spoken_windows(count=1)
    (text,) = in_process.BareWhisper(model_folder("base")).transcribe(window)
    engine = Whisper(workers=1)
    engine.load()
    (heard,) = engine.transcribe([Window(window.tobytes(), "en")])
    assert joined_text(heard.words) == text.strip()


@pytest.mark.live
def test_endpoints_are_measured_beside_bare_requests() -> None:
    part = endpoints.measure(quick=True)
    assert set(part.raw) == {"openai-speech", "openai-transcriptions", "openai-chat"}
    assert all(value is not None for value in values(part).values())


@pytest.fixture
def smallest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SHAPES, "tiny", SHAPES["smallest"])


@pytest.mark.live
@pytest.mark.usefixtures("smallest")
def test_batches_are_measured_alone_and_behind_a_host() -> None:
    part = batching.measure(quick=True, device="cpu", size="tiny")
    names = [name for _, name in values(part)]
    assert names[:4] == [f"{size} in a call" for size in (1, 2, 4, 8)]
    assert "8 sessions, batches, a call, p95" in names
    assert all(value is not None and value > 0 for value in values(part).values())


@pytest.mark.live
@pytest.mark.usefixtures("smallest")
def test_without_a_gpu_cuda_is_a_plain_failure() -> None:
    ctranslate2 = pytest.importorskip("ctranslate2")
    if ctranslate2.get_cuda_device_count():
        pytest.skip("there is a GPU here")
    with pytest.raises(BenchFailed, match="finds no GPU"):
        batching.measure(quick=True, device="cuda", size="tiny")


def test_a_model_has_the_shape_that_was_asked_for(tmp_path: Path) -> None:
    tokenizer = model_folder("base") / "tokenizer.json"
    shape = SHAPES["smallest"]._replace(mels=128)
    plain = write(tmp_path / "plain", tokenizer, shape)
    small = write(tmp_path / "small", tokenizer, shape, quantization="int8")
    sizes = [(folder / "model.bin").stat().st_size for folder in (plain, small)]
    assert sizes[1] < 0.5 * sizes[0]


@pytest.mark.live
def test_the_command_shows_a_table_and_says_what_failed(tmp_path: Path) -> None:
    done = run("bench", "engines", "batching", "--device", "cuda", "--size", "tiny",
               "--out", str(tmp_path), CUDA_VISIBLE_DEVICES="")  # fmt: skip
    assert done.returncode == 1
    assert "batching was not measured" in done.stdout
    (path,) = tmp_path.glob("engines-*.json")
    assert set(msgspec.json.decode(path.read_bytes(), type=SuiteResults).failures) == {"batching"}
