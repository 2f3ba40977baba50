"""Our lags are those of SimulEval and OmniSTEval, on random recordings."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dragoman_bench.interpret import text_lag
from dragoman_bench.interpret.omnisteval import installed, read_scores

pytestmark = pytest.mark.live

SIMULEVAL = Path(__file__).resolve().parents[3] / ".venvs" / "simuleval-1.1.4" / "bin" / "python"
CASES = 200


def case(number: int) -> dict[str, Any]:
    """A recording whose words come in bursts; some come after the end, some all at once."""
    rng = random.Random(number)
    source = rng.randint(800, 20_000)
    delays: list[float] = []
    at = float(rng.randint(100, source + (2000 if number % 7 == 0 else -50)))
    for _ in range(rng.randint(1, 12)):
        delays += [at] * rng.randint(1, 4)
        at += rng.choice([100.0, 320.0, rng.uniform(1, 3000)])
    return {
        "delays": delays,
        "elapsed": [delay + rng.uniform(0, 400) for delay in delays],
        "source_length": source,
        "prediction": " ".join(["w"] * len(delays)),
        "reference": " ".join(["r"] * rng.randint(1, 40)),
    }


def speech(number: int) -> dict[str, Any]:
    rng = random.Random(number)
    delays, at = [], 0.0
    for _ in range(rng.randint(1, 15)):
        at += rng.choice([0.0, 100.0, rng.uniform(1, 2500)])
        delays.append(max(at, 1.0))
    return {"delays": delays, "durations": [rng.uniform(20, 1500) for _ in delays]}


def ours(row: dict[str, Any], key: str = "delays") -> dict[str, float | None]:
    delays, source, units = row[key], row["source_length"], len(row["reference"].split())
    return {
        "al": text_lag.al(delays, source, units),
        "laal": text_lag.laal(delays, source, units),
        "ap": text_lag.ap(delays, source, units),
        "dal": text_lag.dal(delays, source),
        "yaal": text_lag.yaal(delays, source, units),
        "atd": text_lag.atd(delays),
    }


@pytest.mark.skipif(
    not (SIMULEVAL.parents[1] / ".stamp").exists(),  # written when all is installed
    reason="setup.py --tests could not install SimulEval",
)
def test_lags_agree_with_simuleval() -> None:
    texts, spoken = [case(n) for n in range(CASES)], [speech(n) for n in range(CASES)]
    done = subprocess.run(
        [SIMULEVAL, Path(__file__).with_name("run_simuleval.py")],
        input=json.dumps({"text": texts, "speech": spoken}),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    theirs = json.loads(done.stdout)
    for name in ("al", "laal", "ap", "dal", "atd"):
        assert [ours(row)[name] for row in texts] == pytest.approx(theirs[name]), name
    got = [text_lag.atd(row["delays"], row["durations"]) for row in spoken]
    assert got == pytest.approx(theirs["atd of speech"])


@pytest.mark.skipif(not installed(), reason="OmniSTEval is not installed")
def test_lags_agree_with_omnisteval(tmp_path: Path) -> None:
    rows = [case(n) for n in range(CASES)]
    (tmp_path / "log").write_text("\n".join(json.dumps(row) for row in rows))
    (tmp_path / "refs").write_text("\n".join(row["reference"] for row in rows) + "\n")
    subprocess.run(
        [
            *(sys.executable, "-m", "omnisteval.cli", "shortform", "--word_level", "--no_quality"),
            *("--hypothesis_file", tmp_path / "log", "--ref_sentences_file", tmp_path / "refs"),
            *("--output_folder", tmp_path / "out"),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    theirs = read_scores(tmp_path / "out" / "scores.tsv")
    for kind, key in (("CU", "delays"), ("CA", "elapsed")):
        every = [ours(row, key) for row in rows]
        for name in ("al", "laal", "ap", "dal", "yaal"):
            known = [value for scores in every if (value := scores[name]) is not None]
            mean = sum(known) / len(known)
            assert mean == pytest.approx(theirs[f"{name.upper()} ({kind})"], abs=1e-3), (name, kind)
    words = sum(len(row["delays"]) for row in rows)
    early = sum(text_lag.early(row["delays"], row["source_length"]) for row in rows)
    assert 100 * early / words == pytest.approx(theirs["Simultaneous Words Fraction (%)"], abs=1e-3)
    lags = [(ours(row)["yaal"], float(row["source_length"])) for row in rows]
    expected = text_lag.efsw(lags)
    assert expected is not None
    assert 100 * expected == pytest.approx(theirs["Expected Simul. Words Fraction (%)"], abs=1e-3)
