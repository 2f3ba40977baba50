"""The section "Speech" of ``docs/interpretation.md``: its table is what the simulation says."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.policy.speaking import catch_up
from dragoman.speech import InterpretationOptions
from tests.policy.translation.talks import OPTIONS, row

PAGE = (Path(__file__).parents[2] / "docs" / "interpretation.md").read_text("utf-8")


@pytest.mark.parametrize("name", OPTIONS)
def test_the_table_is_fresh(name: str) -> None:
    assert row(name) in PAGE.splitlines()


def test_the_documented_limits_are_the_real_ones() -> None:
    for backlog in ("to 0.5 s", "from 0.5 s", "from 1 s", "from 3 s"):
        assert f"| {backlog} |" in PAGE
    assert (catch_up.EASY_S, catch_up.DROP_PAUSES_S, catch_up.TERSE_S) == (0.5, 1.0, 3.0)
    assert catch_up.GAIN_PER_S == 0.30
    assert catch_up.BREAK_OFF_FACTOR == 1.1
    default = OPTIONS["1.3, skips after 6 s (default)"]
    assert default == InterpretationOptions()
    assert (default.top_rate, default.skip_after_s) == (1.3, 6.0)
