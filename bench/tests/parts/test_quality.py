"""Figures of the quality part, from items made by hand."""

from __future__ import annotations

import msgspec
import pytest

from bench.tests.interpret.sessions import ROWS, SCRIPT, log
from dragoman_bench.interpret.score import Item, score
from dragoman_bench.parts.quality import figures


def item(**changes: object) -> Item:
    made = score("made", log(*ROWS), SCRIPT)
    return msgspec.structs.replace(made, **changes)


def values(*items: Item) -> dict[str, float | None]:
    return {figure.name: figure.value for figure in figures(items)}


def test_live_and_offline_without_human_references() -> None:
    found = values(
        item(
            source_text="one two three",
            offline_source="one two three four",
            target_text="uno dos",
            offline_target="uno dos",
            reference=None,
        )
    )
    assert (found["recordings"], found["WER"], found["WER offline"]) == (1, 25.0, 0.0)
    assert found["chrF live against offline"] == 100.0
    assert found["retention (chrF live / offline)"] is found["chrF"] is None
    assert (found["made: WER"], found["made: chrF"]) == (25.0, None)


def test_retention_is_the_quotient() -> None:
    found = values(
        item(target_text="uno dos tres", offline_target="uno dos tres cuatro", offline_source="")
    )
    assert found["chrF offline"] == 100.0
    assert found["retention (chrF live / offline)"] == pytest.approx(found["chrF"])
