"""What the calls of an engine cost, measured where they run.

Scope: figures only; ``runtime.capacity`` decides by them how many speakers the engines carry. Hosts
report here, some from their threads, so everything is behind a lock.

A cost is the *own time* of calls: what they would take if they had a core each. While more calls
run than there are cores, each of them advances only by its share (processor sharing), and its own
time passes more slowly. So the figure does not grow only because many calls run at once; it does
grow when other programs take the cores, and that is meant. Calls that wait, for a GPU or for
another machine, take a place of their engine and no core: each counts by its engine's share of CPU
time.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from dragoman.engines.base import Translation, Window
from dragoman.runtime.hosts.requests import AnyRequest, DetectionAudio, RecognitionAudio, StepStream
from dragoman.speech import HEARING_RATE_HZ, Audio

Unit = Literal["call", "audio second"]

_FORGET = 0.98
"""Factor on what was measured before, with every new report: about the last 50 count."""
_HEARING_BYTES_S = HEARING_RATE_HZ * 2
_FLOAT_BYTES_S = HEARING_RATE_HZ * 4


class SharedCores:
    """The cores that all engines share, and the clock of own time."""

    def __init__(
        self, count: float | None = None, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self.count = count or usable_cores()
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._running = 0.0  # calls, each by its share of CPU time
        self._own_s = 0.0
        self._busy_s = 0.0
        self._since_s = clock_s()

    @property
    def busy_s(self) -> float:
        """The own time of all calls so far, together."""
        with self._lock:
            self._advance()
            return self._busy_s

    def enter(self, cpu_share: float = 1.0) -> float:
        """A call begins to work; returns the clock of own time."""
        with self._lock:
            self._advance()
            self._running += cpu_share
            return self._own_s

    def leave(self, cpu_share: float = 1.0) -> float:
        """A call ends or pauses; returns the clock of own time."""
        with self._lock:
            self._advance()
            self._running = max(0.0, self._running - cpu_share)
            return self._own_s

    def _advance(self) -> None:
        now_s = self._clock_s()
        passed_s, self._since_s = now_s - self._since_s, now_s
        share_s = passed_s * min(1.0, self.count / max(self._running, self.count))
        self._own_s += share_s
        self._busy_s += share_s * self._running


class Stint:
    """The work on one job, which may pause while its listener is slow."""

    def __init__(self, cores: SharedCores, cpu_share: float) -> None:
        self.own_s = 0.0
        """Own time until the last pause."""
        self._cores = cores
        self._cpu_share = cpu_share
        self._began_s: float | None = None

    def __enter__(self) -> Stint:
        self.resume()
        return self

    def __exit__(self, *_: object) -> None:
        self.pause()

    def resume(self) -> None:
        """Work goes on; twice is harmless."""
        if self._began_s is None:
            self._began_s = self._cores.enter(self._cpu_share)

    def pause(self) -> None:
        """Work stops for now, or is over; twice is harmless."""
        if self._began_s is not None:
            self.own_s += self._cores.leave(self._cpu_share) - self._began_s
            self._began_s = None


class WorkFigures(msgspec.Struct, frozen=True, array_like=True):
    """What was measured of an engine's work: ``own_s`` for so many units."""

    own_s: float = 0.0
    amount: float = 0.0
    unit: Unit = "audio second"


class RoleWork:
    """What the engines of a role cost together, by the share of its work that each did lately: a
    session may use two recognisers. ``units``: calls for a second of speech.
    """

    def __init__(self, units: float) -> None:
        self._units = units
        self._lock = threading.Lock()
        self._own_s = self._cpu_s = self._speech_s = 0.0

    @property
    def cost_s(self) -> float:
        """Own seconds of work for a second of speech; 0 as long as nothing was measured here."""
        return self._own_s / self._speech_s if self._speech_s else 0.0

    @property
    def cpu_share(self) -> float:
        """As of an engine."""
        return min(1.0, self._cpu_s / self._own_s) if self._own_s else 1.0

    def add(self, unit: Unit, amount: float, own_s: float, cpu_s: float) -> None:
        """An engine did so much."""
        speech_s = amount / self._units if unit == "call" else amount
        with self._lock:
            self._own_s = self._own_s * _FORGET + own_s
            self._cpu_s = self._cpu_s * _FORGET + cpu_s
            self._speech_s = self._speech_s * _FORGET + speech_s


class EngineWork:
    """The cost of one engine's calls. ``places`` is how many of them it works on at once."""

    def __init__(self, places: int = 1, cores: SharedCores | None = None) -> None:
        self.places = places
        self.cores = cores or SharedCores()
        """``EngineSet`` gives all engines the same."""
        self.role: RoleWork | None = None
        """Is told what was done, too."""
        self.unit: Unit = "audio second"
        """What the cost is counted for: windows and translations cost by the call, streams and
        speech by the second of audio.
        """
        self.busy_s = 0.0
        """Own time of all calls since the start."""
        self._lock = threading.Lock()
        self._own_s = 0.0
        self._cpu_s = 0.0
        self._amount = 0.0

    @property
    def cpu_share(self) -> float:
        """How much of its own time the engine computes here, 0 to 1; else it waits."""
        with self._lock:
            return min(1.0, self._cpu_s / self._own_s) if self._own_s else 1.0

    @property
    def cost_s(self) -> float:
        """Own seconds of work for one unit; 0 as long as nothing was measured."""
        with self._lock:
            return self._own_s / self._amount if self._amount else 0.0

    @property
    def recent(self) -> float:
        """How much was measured lately: the engine of a role that does the work has the most."""
        return self._amount

    @property
    def figures(self) -> WorkFigures:
        """What was measured, for another process."""
        with self._lock:
            return WorkFigures(self._own_s, self._amount, self.unit)

    def learn(self, figures: WorkFigures) -> None:
        """It is measured in another process."""
        with self._lock:
            self._own_s, self._amount, self.unit = figures.own_s, figures.amount, figures.unit

    def stint(self) -> Stint:
        """For a job that begins now or later."""
        return Stint(self.cores, self.cpu_share)

    def answered(
        self, requests: Sequence[AnyRequest], own_s: float, cpu_s: float | None = None
    ) -> None:
        """Calls, or a step of a stream, took that long together; ``cpu_s`` is CPU time, None if
        that is not known: all of it.
        """
        self._use(own_s)
        first = requests[0]
        if isinstance(first, Window | Translation):
            self.unit = "call"
            self._add(len(requests), own_s, cpu_s)
        elif isinstance(first, StepStream):
            self._add(_audio_s(first), own_s, cpu_s)

    def failed(self, own_s: float) -> None:
        """Nothing was answered in that time. It says nothing of what answers cost: an engine that
        hung would have speakers refused long after it works again, or another one does.
        """
        self._use(own_s)

    def spoke(self, audio_s: float, own_s: float, cpu_s: float | None = None) -> None:
        """Speech of that length was made; ``cpu_s`` as for ``answered``."""
        self._use(own_s)
        if audio_s:
            self._add(audio_s, own_s, cpu_s)

    def _use(self, own_s: float) -> None:
        with self._lock:
            self.busy_s += own_s

    def _add(self, amount: float, own_s: float, cpu_s: float | None) -> None:
        cpu_s = own_s if cpu_s is None else cpu_s
        with self._lock:
            self._own_s = self._own_s * _FORGET + own_s
            self._cpu_s = self._cpu_s * _FORGET + cpu_s
            self._amount = self._amount * _FORGET + amount
        if self.role is not None:
            self.role.add(self.unit, amount, own_s, cpu_s)


def usable_cores() -> int:
    """The cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _audio_s(step: StepStream) -> float:
    match step.item:
        case DetectionAudio(audio=audio, rate_hz=rate_hz):
            return sum(piece.size(rate_hz) for piece in audio) / (2 * rate_hz)
        case RecognitionAudio(samples=samples):
            return len(samples) / _FLOAT_BYTES_S
        case Audio() as audio:
            return audio.size(HEARING_RATE_HZ) / _HEARING_BYTES_S
    return 0.0
