"""Cost of cutting a stream of text into segments, by length, kind of text and size of pieces.

Scope: CPU of this thread, so that a busy machine does not count; every text is fed to a fresh
segmenter and flushed. The cost of a character must not grow with the length, so the figure is the
worst of all lengths.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from itertools import cycle, islice

import msgspec

from dragoman.policy.segmentation.segmenter import Segmenter
from dragoman_bench.figures import Figure

AIM_US = 2.0
LENGTHS = (1_000, 10_000, 100_000, 1_000_000)
_QUICK_LENGTHS = LENGTHS[:3]
_AT_LEAST_CHARS = 100_000  # short texts are fed again and again
_PROSE = (
    'When the train to Kraków (due at 9.45 a.m.) was late, Dr. Novak said: "We shall walk." '
    "Nobody laughed; the valley was wide, the paths were steep, and it had begun to rain. "
    "By noon they had eaten 3.5 kg of bread, read www.example.org/maps twice, and found no inn… "
    "So they sang!\n"
)
KINDS = {
    "prose": _PROSE,
    "no terminators": "and then we went along the river and under the trees ",
    "one endless word": "abcdefghijklmnopqrstuvwxyz",
}


class SegmenterCost(msgspec.Struct, frozen=True):
    """One measurement."""

    kind: str
    chars: int
    piece: str
    us_per_char: float


def text_of(kind: str, chars: int) -> str:
    """So many characters of that kind."""
    return "".join(islice(cycle(KINDS[kind]), chars))


def measure(*, quick: bool) -> tuple[list[SegmenterCost], list[Figure]]:
    """All kinds at all lengths, in one piece and one character at a time."""
    found = [
        SegmenterCost(
            kind, chars, piece, _us_per_char(text_of(kind, chars), singly=piece != "at once")
        )
        for kind in KINDS
        for piece in ("at once", "by character")
        for chars in (_QUICK_LENGTHS if quick else LENGTHS)
    ]
    return found, figures(found)


def figures(costs: Sequence[SegmenterCost]) -> list[Figure]:
    """The worst length of each kind and way of feeding."""
    worst: dict[str, float] = {}
    for cost in costs:
        name = f"{cost.kind}, {cost.piece}"
        worst[name] = max(worst.get(name, 0.0), cost.us_per_char)
    return [
        Figure(part="segmenter, for each character", name=name, value=value, unit="µs", aim=AIM_US)
        for name, value in worst.items()
    ]


def _us_per_char(text: str, *, singly: bool) -> float:
    repeats = max(1, _AT_LEAST_CHARS // len(text))
    pieces: Sequence[str] = text if singly else (text,)
    gc.collect()  # the garbage of others is not this text's
    begun_s = time.thread_time()
    for _ in range(repeats):
        segmenter = Segmenter(eager=True)
        for piece in pieces:
            segmenter.feed(piece)
        segmenter.flush()
    return (time.thread_time() - begun_s) * 1e6 / (repeats * len(text))
