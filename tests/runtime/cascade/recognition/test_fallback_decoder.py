"""A turn goes on at the next recogniser, of either shape, when one fails."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pytest

from dragoman.engines.base import Info, Samples
from dragoman.runtime.hosts.host import EngineFailed
from dragoman.runtime.hosts.load import RecognizerLoad
from dragoman.runtime.loaded_engine import LoadedEngine
from dragoman.speech import Heard, Hints, Hypothesis, Translated, TurnDone
from tests.runtime.cascade.fake_cascade import FakeEngines, final, pieces, run
from tests.runtime.fake_engines import FakeHost, spoken, transcript

NAMES = ["w5", "w6", "w7", "w8", "w9"]
TWO_TURNS = spoken(640, *NAMES, 1_600, "w3", "w4", 1_600)
HEARD = {1: "w5 w6 w7 w8 w9", 2: "w3 w4"}


class FailingStream:
    """A recogniser of streams each of which fails after so many pieces."""

    def __init__(self, name: str, *lasts: int) -> None:
        self.info = Info(name=name, role="asr", licence="-", quality="scripted", languages=("en",))
        self.lasts = list(lasts)
        self.opened = self.aborted = 0

    def load(self) -> None: ...

    def close(self) -> None: ...

    def start(self, language: str | None, hints: Hints) -> FailingStream._Stream:
        self.opened += 1
        return self._Stream(self, self.lasts.pop(0) if self.lasts else 1_000)

    class _Stream:
        def __init__(self, engine: FailingStream, lasts: int) -> None:
            self._engine, self._left = engine, lasts
            self._samples: list[Samples] = []

        def feed(self, samples: Samples) -> Hypothesis:
            self._left -= 1
            if self._left < 0:
                raise EngineFailed(f"{self._engine.info.name} is gone")
            self._samples.append(samples)
            return self.finish()

        def finish(self) -> Hypothesis:
            return Hypothesis(tuple(transcript(np.concatenate(self._samples))), 1.0, "en")

        def abort(self) -> None:
            self._engine.aborted += 1


class SeveralEngines(FakeEngines):
    """Streams and the recogniser of windows, in the order of ``names``."""

    def __init__(self, names: str, *streams: FailingStream, windows_fail: bool = False) -> None:
        super().__init__(fail=lambda request: windows_fail and hasattr(request, "samples"))
        by_name = {stream.info.name: stream for stream in streams}
        self.order = [
            LoadedEngine(
                "", by_name[name], FakeHost(by_name[name].info, engine=by_name[name]), name
            )
            if name in by_name
            else LoadedEngine("", self.asr, self.asr, name, load=self.load)
            for name in names
        ]
        self.loads: list[RecognizerLoad] = [one.load for one in self.order]

    def recognizers(self, language: str | None, avoid: Collection[str] = ()) -> list[LoadedEngine]:
        return sorted(self.order, key=lambda one: one.name in avoid)


@pytest.mark.parametrize("size", [160, 1_600, 40_000])
@pytest.mark.parametrize("names", ["ab", "aw", "abw"])
def test_a_stream_that_fails_before_its_first_word_costs_nothing(names: str, size: int) -> None:
    first = FailingStream("a", 2, 0)
    engines = SeveralEngines(names, first, FailingStream("b"))
    facts = run(engines, pieces(TWO_TURNS, [size]))
    assert final(facts, Heard) == HEARD
    assert final(facts, Translated) == {
        n: text.replace(" ", "' ") + "'" for n, text in HEARD.items()
    }
    assert {fact.status for fact in facts if isinstance(fact, TurnDone)} == {"completed"}
    assert (first.opened, first.aborted) == (1, 1)  # the second turn began elsewhere
    assert not any(load.lags for load in engines.loads)


def test_windows_that_fail_go_to_a_stream() -> None:
    engines = SeveralEngines("wb", FailingStream("b"), windows_fail=True)
    facts = run(engines, pieces(TWO_TURNS, [1_600]))
    assert final(facts, Heard) == HEARD
    assert not engines.load.lags


def test_later_in_a_turn_its_words_stand_and_the_next_turn_begins_elsewhere() -> None:
    engines = SeveralEngines("ab", FailingStream("a", 12), FailingStream("b"))
    facts = run(engines, pieces(TWO_TURNS, [1_600]))
    shown = [fact.text for fact in facts if isinstance(fact, Heard) and fact.turn == 1]
    assert HEARD[1].startswith(shown[-1])
    assert shown[-1] not in ("", HEARD[1])
    assert final(facts, Heard)[2] == HEARD[2]
    assert [f.status for f in facts if isinstance(f, TurnDone)] == ["failed", "completed"]


def test_a_session_outlives_a_recogniser_that_breaks_every_turn() -> None:
    turns = spoken(640, *[part for n in range(2, 9) for part in (*NAMES, f"w{n}", 1_600)])
    first = FailingStream("a", *[12] * 10)
    facts = run(SeveralEngines("ab", first, FailingStream("b")), pieces(turns, [1_600]))
    statuses = [fact.status for fact in facts if isinstance(fact, TurnDone)]
    assert statuses == ["failed", "completed"] * 3 + ["failed"]


def test_when_all_fail_the_turn_fails_and_three_such_turns_end_the_session() -> None:
    turns = spoken(640, *["w5", 1_600] * 3)
    engines = SeveralEngines("ab", FailingStream("a", *[0] * 9), FailingStream("b", *[0] * 9))
    with pytest.raises(ExceptionGroup, match="unhandled"):
        run(engines, pieces(turns, [1_600]))
