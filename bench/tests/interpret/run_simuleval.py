"""Runs in SimulEval's own environment: instances on standard input, its scores on standard output.

Input: {"text": [instance, ...], "speech": [instance, ...]}; each instance has ``delays``, and
``source_length``, ``reference`` (text) or ``durations`` (speech). Output: {metric: [score, ...]}.
"""

from __future__ import annotations

import json
import sys

from simuleval.evaluator.instance import LogInstance, SpeechOutputInstance
from simuleval.evaluator.scorers.latency_scorer import (
    ALScorer,
    APScorer,
    ATDScorer,
    DALScorer,
    LAALScorer,
)


class Spoken(SpeechOutputInstance):
    """Speech out, speech in; only what the scorer of ATD looks at."""

    def __init__(self, delays: list[float], durations: list[float]) -> None:
        self.delays, self.durations, self.metrics = delays, durations, {}


def main() -> None:
    wanted = json.load(sys.stdin)
    texts = [LogInstance(json.dumps(row | {"index": 0})) for row in wanted["text"]]
    scores = {
        name: [scorer()({0: text}) for text in texts]
        for name, scorer in {
            "al": ALScorer, "laal": LAALScorer, "ap": APScorer, "dal": DALScorer, "atd": ATDScorer,
        }.items()
    }  # fmt: skip
    spoken = [Spoken(row["delays"], row["durations"]) for row in wanted["speech"]]
    scores["atd of speech"] = [ATDScorer()({0: one}) for one in spoken]
    json.dump(scores, sys.stdout)


if __name__ == "__main__":
    main()
