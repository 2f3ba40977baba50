"""The cost of cutting text."""

from __future__ import annotations

import pytest

from dragoman_bench.parts import segmenter
from dragoman_bench.parts.segmenter import SegmenterCost, text_of


@pytest.mark.parametrize("chars", [1, 26, 1_000])
def test_texts_have_the_wanted_length_and_kind(chars: int) -> None:
    assert {len(text_of(kind, chars)) for kind in segmenter.KINDS} == {chars}
    assert text_of("one endless word", chars).isalpha()
    assert not set(text_of("no terminators", chars)) & set(".!?,;:")


def test_the_worst_length_is_shown() -> None:
    costs = [
        SegmenterCost("prose", 1_000, "at once", 0.5),
        SegmenterCost("prose", 10_000, "at once", 2.5),
        SegmenterCost("prose", 1_000, "by character", 1.0),
    ]
    shown = {figure.name: (figure.value, figure.met) for figure in segmenter.figures(costs)}
    assert shown == {"prose, at once": (2.5, False), "prose, by character": (1.0, True)}


@pytest.mark.slow
def test_what_is_measured_is_positive_and_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segmenter, "LENGTHS", (100, 2_000))
    monkeypatch.setattr(segmenter, "_AT_LEAST_CHARS", 2_000)
    costs, figures = segmenter.measure(quick=False)
    assert len(costs) == 3 * 2 * 2
    assert len(figures) == 3 * 2
    assert all(cost.us_per_char > 0 for cost in costs)
