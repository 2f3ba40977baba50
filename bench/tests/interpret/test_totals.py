"""Totals, comparisons, OmniSTEval's files, pictures."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from bench.tests.interpret.sessions import ROWS, SCRIPT, log, script
from dragoman_bench.figures import BenchFailed
from dragoman_bench.interpret import (
    bootstrap,
    load_curve,
    omnisteval,
    plot,
    results,
    summary,
    totals,
)
from dragoman_bench.interpret.score import Item, score
from dragoman_bench.interpret.script import Script
from dragoman_bench.interpret.timeline_plot import wrapped
from dragoman_bench.text_metrics import chrf, error_rate


def item(name: str = "made", **changes: object) -> Item:
    return msgspec.structs.replace(score("made", log(*ROWS), SCRIPT), id=name, **changes)


def named(items: list[Item], **more: object) -> dict[str, float | None]:
    return {f.name: f.value for f in totals.figures("x", items, **more)}


def test_figures_of_one_session() -> None:
    found = named([item(offline_source="one two three four", offline_target="uno dos tres")])
    assert found["first voice after first clause, median"] == 700
    assert found["LAAL (CA)"] == pytest.approx(6200 / 3)
    assert found["WER"] == 0
    assert found["chrF"] == pytest.approx(chrf(["uno dos, tres cuatro"], ["uno dos tres cuatro"]))
    assert found["retention (chrF live / offline)"] > 100
    assert found["flicker of the translation (erasure)"] == 0.5
    assert found["words before the end, SWF (CA)"] == 50
    assert found["commit violations"] == 0
    assert found["words erased, translation"] == 2 / 4
    assert found["voice lag, drift"] is None  # a slope within one recording says nothing


def test_aims_depend_on_the_speed() -> None:
    name = "voice lag, p95 of clauses"
    for speed, aim in ((1.0, 4000.0), (1.25, 7000.0)):
        figures = totals.figures("x", [item()], speed=speed)
        assert [figure.aim for figure in figures if figure.name == name] == [aim]


def test_a_long_stream_has_no_lag_without_cutting() -> None:
    found = named([item(recordings=3, ca=None, cu=None)], long={"LongYAAL (CA)": 1900.0})
    assert "LAAL (CA)" not in found
    assert found["OmniSTEval: LongYAAL (CA)"] == 1900


# ---------------------------------------------------------------- comparisons
def slower(one: Item, by_ms: float) -> Item:
    assert one.ca is not None
    assert one.ca.laal is not None
    ca = msgspec.structs.replace(one.ca, laal=one.ca.laal + by_ms)
    return msgspec.structs.replace(one, ca=ca, voice_after_clause_ms=by_ms)


def test_a_steady_difference_is_clear_and_noise_is_not() -> None:
    a = [slower(item(f"r{n}"), 10.0 * n) for n in range(12)]
    steady = [slower(item(f"r{n}"), 10.0 * n + 50) for n in range(12)]
    noise = [slower(item(f"r{n}"), 10.0 * n + (40 if n % 2 else -40)) for n in range(12)]
    found = {one.name: one for one in bootstrap.compare(a, steady, draws=200)}
    lag = found["LAAL (CA)"]
    assert lag.by == pytest.approx(50)
    assert lag.low == pytest.approx(50)
    assert lag.is_clear
    assert lag.p == 0
    assert found["chrF"].by == 0
    assert not found["chrF"].is_clear
    found = {one.name: one for one in bootstrap.compare(a, noise, draws=200)}
    assert not found["LAAL (CA)"].is_clear
    assert found["LAAL (CA)"].p > 0.3


def test_the_whole_is_what_sacrebleu_and_jiwer_say() -> None:
    a = [
        item("r1"),
        item("r2", target_text="uno dos", source_text="one two"),
        item("r3", target_text="nada tres"),
    ]
    found = {one.name: one for one in bootstrap.compare(a, a, draws=10)}
    assert found["chrF"].a == pytest.approx(
        chrf([i.target_text for i in a], [i.reference or "" for i in a])
    )
    assert found["WER"].a == pytest.approx(
        100 * error_rate([i.transcript or "" for i in a], [i.source_text for i in a])
    )


def test_only_recordings_of_both_are_compared() -> None:
    a, b = [item("x"), item("y"), item("x")], [item("y"), item("x")]
    assert [(one.id, other.id) for one, other in bootstrap.paired(a, b)] == [("x", "x"), ("y", "y")]
    with pytest.raises(BenchFailed, match="fewer than two"):
        bootstrap.compare([item("x")], [item("y")])


def test_few_recordings_and_little_chrf_are_a_tie() -> None:
    near = bootstrap.bootstrap(lambda _: 60.0, lambda _: 61.0, 20, name="chrF", draws=5)
    far = bootstrap.bootstrap(lambda _: 60.0, lambda _: 65.0, 20, name="chrF", draws=5)
    assert near is not None
    assert far is not None
    assert (near.tie, far.tie) == (True, False)


# ---------------------------------------------------------------- OmniSTEval
def two_recordings() -> Script:
    made = script([("one two,", 1000, 3000)], reference="uno dos,")
    other = script([("three four", 3000, 5000)], reference="tres cuatro")
    first = msgspec.structs.replace(made.segments[0], length_ms=3000.0)
    second = msgspec.structs.replace(other.segments[0], start_ms=3000.0, length_ms=3000.0)
    made.segments = [first, second]
    return made


@pytest.mark.live
@pytest.mark.skipif(not omnisteval.installed(), reason="OmniSTEval is not installed")
def test_omnisteval_judges_our_files(tmp_path: Path) -> None:
    stream = two_recordings()
    one = score("talk", log(*ROWS), stream)
    assert one.ca is None
    omnisteval.write([(one, stream)], tmp_path)
    scores = omnisteval.run(tmp_path, "es")
    # Each recording is cut out again: words at 3500 from 0 on, at 5200 from 3000 on (X 3000 each).
    first = (3500 + (3500 - 1500)) / 2
    second = (2200 + (2200 - 1500)) / 2
    assert scores["LongYAAL (CA)"] == pytest.approx((first + second) / 2, abs=1)
    assert scores["LongYAAL (CU)"] == pytest.approx((first + second) / 2 - 100, abs=1)
    assert scores["chrF"] == pytest.approx(100)


def test_characters_get_a_delay_each(tmp_path: Path) -> None:
    chinese = script([("one two", 1000, 5000)], reference="一二三", target="zh")
    one = item(
        target_text="一二 三。", arrived_ms=[1.0, 2.0, 3.0, 4.0], sent_ms=[1.0, 2.0, 3.0, 4.0]
    )
    omnisteval.write([(one, chinese)], tmp_path)
    row = msgspec.json.decode((tmp_path / "instances.log").read_bytes())
    assert row["prediction"] == "一二三。"
    assert len(row["prediction"]) == len(row["delays"]) == len(row["elapsed"])


def test_a_missing_reference_is_an_error(tmp_path: Path) -> None:
    bare = script([("one", 0, 1000)], reference=None)
    with pytest.raises(ValueError, match="made has no translation into es"):
        omnisteval.write([(item(), bare)], tmp_path)


# ---------------------------------------------------------------- pictures
def size_of(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    return struct.unpack(">II", head[16:24])


def test_pictures_of_a_session_and_of_a_curve(tmp_path: Path) -> None:
    found = log(*ROWS)
    plot.draw(tmp_path / "one.png", found, item(), SCRIPT)
    plot.draw(tmp_path / "bare.png", log(), score("silence", log(), None), None)
    runs = [
        results.Run(
            name=f"x{count}",
            sessions=count,
            items=[],
            figures=totals.figures("x", [item()]),
        )
        for count in (1, 2)
    ]
    load_curve.draw_curve(tmp_path / "curve.png", runs)
    assert {size_of(path) for path in tmp_path.glob("*.png")} == {(1600, 900)}
    blank, full = ((tmp_path / f"{name}.png").stat().st_size for name in ("bare", "one"))
    assert full > blank + 10_000


def test_labels_fit_their_boxes() -> None:
    assert wrapped("ask not what your country", 3) == ""
    assert wrapped("ask not what your country", 10) == "ask not\nwhat your\ncountry"
    assert wrapped("incomprehensibilities", 8) == "incompr…"
    assert wrapped("a b c d e f", 4).count("\n") <= 2


def test_results_are_read_back(tmp_path: Path) -> None:
    run = results.Run(name="x1", sessions=1, items=[item()], figures=[])
    found = results.InterpretResults(began="2026-01-02T03:04:05Z", runs=[run])
    path = found.write(tmp_path / "new", "interpret.json")
    assert results.items_of(results.read(path)) == {("en", "es"): run.items}
    path.write_text("{}")
    with pytest.raises(BenchFailed, match="no result of"):
        results.read(path)


# ---------------------------------------------------------------- several directions
def run_of(items: list[Item], name: str = "en-es x1", sessions: int = 1) -> results.Run:
    figures = totals.figures(name, items)
    return results.Run(name=name, sessions=sessions, items=items, figures=figures)


def test_each_direction_is_compared_by_its_run_with_the_fewest_sessions() -> None:
    spanish, more = [item("a")], [item("a"), item("a")]
    french = [item("b", target="fr")]
    runs = [run_of(more, sessions=2), run_of(spanish), run_of(french, sessions=2)]
    found = results.items_of(results.InterpretResults(machine=None, runs=runs))
    assert found == {("en", "es"): spanish, ("en", "fr"): french}


def test_a_direction_is_a_row_and_few_recordings_are_marked() -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    many = run_of([item(f"r{n}") for n in range(12)], "en-pt x1")
    twice = run_of([item("r"), item("r")])
    console.print(summary.table([many, twice]))
    first, second = [line.split() for line in console.export_text().splitlines() if " x1" in line]
    assert first[:4] == ["en-pt", "x1", "│", "12"]
    assert second[3] == "1*", "one recording, played by two sessions"
    assert first[5] == "0.0", "WER"
    assert "indicative" in summary.legend([twice])
    assert "indicative" not in summary.legend([many])
