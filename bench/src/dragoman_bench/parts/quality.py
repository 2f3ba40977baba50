"""Quality of the embedded engines on real speech, and what doing it live costs.

Scope: nothing is tuned to these recordings. Error rates and chrF of what clients receive at
microphone pace, beside the same engines offline (``interpret.offline``). The quotient of both is
the retention: what is left of the quality when one does not wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import uvloop

from dragoman_bench.figures import Figure, Part, Row, lines
from dragoman_bench.harness.server_process import serving
from dragoman_bench.interpret import recordings, stream
from dragoman_bench.interpret.offline import interpret_offline
from dragoman_bench.interpret.play import SessionRequest, play_concurrently
from dragoman_bench.interpret.run import score_played
from dragoman_bench.interpret.score import Item
from dragoman_bench.interpret.totals import quality
from dragoman_bench.text_metrics import chrf, error_rate

TARGET = "es"
_AT_ONCE = 3
_QUICK = 4


def measure(*, quick: bool, folder: Path | None) -> Part:
    """Interpret every English recording at hand, live and offline."""
    chosen = recordings.find(folder)[: _QUICK if quick else None]
    streams = uvloop.run(stream.singles(chosen, TARGET))
    with TemporaryDirectory() as logs:
        with serving() as server:
            request = SessionRequest(url=server.url, target=TARGET, text_only=True)
            playlists = [streams[first::_AT_ONCE] for first in range(_AT_ONCE)]
            played = uvloop.run(play_concurrently(playlists, request, Path(logs)))
        offline = uvloop.run(interpret_offline(streams))
        items = [scored.item for scored in score_played(played, offline)]
    raw: dict[str, object] = {"recordings": msgspec.to_builtins(items)}
    return Part(name="quality", figures=figures(items), raw=raw)


def figures(items: Sequence[Item]) -> list[Figure]:
    """The figures over all recordings, and error rate and chrF of each."""
    rows: list[Row] = [("recordings", float(len(items)), "", None), *quality(items)]
    for item in items:
        wer = 100 * error_rate([item.transcript or ""], [item.source_text])
        of_human = None if item.reference is None else chrf([item.target_text], [item.reference])
        rows += [(f"{item.id}: WER", wer, "%", None), (f"{item.id}: chrF", of_human, "", None)]
    return lines("quality", [(name, value, unit, None) for name, value, unit, _ in rows])
