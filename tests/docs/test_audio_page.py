"""``docs/audio.md``: its code runs, and its tables say what the encoders do."""

from __future__ import annotations

import re
from pathlib import Path

from dragoman.audio.encode import FORMATS, RATES_HZ
from dragoman.audio.mp3 import mp3_bit_rate

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "audio.md").read_text("utf-8")


def test_its_code_runs() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "audio.md", "exec"), {})


def test_formats_and_rates_are_all_named() -> None:
    assert all(f"| `{form}` |" in PAGE for form in FORMATS)
    first = PAGE[: PAGE.index("Every format takes every rate")]
    assert {int(n) for n in re.findall(r"\b\d{4,5}\b", first)} == set(RATES_HZ)


def test_the_ranges_of_mp3_are_those_of_the_encoder() -> None:
    row = re.search(r"^\| `mp3` \| (\d.*)$", PAGE, re.MULTILINE)
    assert row
    for cell, rates in zip(row[1].split("|"), ([8_000], RATES_HZ[1:4], RATES_HZ[4:]), strict=False):
        low, high = (int(n) for n in cell.split("to"))
        for rate_hz in rates:
            assert (mp3_bit_rate(rate_hz, 1), mp3_bit_rate(rate_hz, 1_000)) == (low, high)
