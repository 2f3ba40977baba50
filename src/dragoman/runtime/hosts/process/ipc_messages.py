"""What goes between a host and an engine in another process: frames on a unix stream socket.

Scope: the messages; ``hosts.framing`` makes frames of them.

Host to worker: ``BeginSegment``, ``GrantCredit``, ``CancelSegment``, ``CallBatch``,
``AbortStream``. Worker to host: ``WorkerReady`` or ``WorkerUnavailable`` first; ``AudioPiece`` and
then ``SegmentFinished`` for a ``BeginSegment``; ``CallResults`` for a ``CallBatch``.

A gateway and the engine process (``hosts.shared``) say the same to each other, many jobs at a time
and with the number of the ``engine``; in place of ``WorkerReady``, ``EngineReports`` come.
"""

from __future__ import annotations

import msgspec

from dragoman.engines.base import Utterance
from dragoman.runtime.hosts.engine_work import WorkFigures
from dragoman.runtime.hosts.framing import FrameReader
from dragoman.runtime.hosts.host import Vitals
from dragoman.runtime.hosts.requests import AnyRequest, Outcome


class BeginSegment(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Speak. ``window`` is how many bytes of PCM may be sent before the first ``GrantCredit``."""

    job: int
    utterance: Utterance
    rate_hz: int
    window: int
    engine: int = 0
    slack_s: float = 0.0


class GrantCredit(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """The listener has taken ``size`` bytes; as many more may be sent."""

    job: int
    size: int


class CancelSegment(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Nobody listens any more: stop, and say ``SegmentFinished``. From a gateway, it may also be
    about a call.
    """

    job: int


class CallBatch(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Stateless calls, all of one kind, or one step of a stream of this worker. Without any it is a
    probe: whether the worker still answers.
    """

    job: int
    requests: tuple[AnyRequest, ...]
    engine: int = 0


class AbortStream(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Nobody wants the rest of the stream; not answered."""

    stream: int
    engine: int = 0


class WorkerReady(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """The engine is loaded and warm."""


class WorkerUnavailable(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """The engine cannot run here; the message says how to mend that."""

    message: str


class EngineReport(msgspec.Struct, frozen=True, array_like=True):
    """How far an engine of the engine process is (``state`` and ``detail`` as in
    ``runtime.loaded_engine``), how its workers are, and what its work costs.
    """

    state: str
    detail: str = ""
    vitals: Vitals = Vitals(0)
    work: WorkFigures = WorkFigures()


class EngineReports(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """From the engine process, first and after every change: a report for each engine."""

    engines: tuple[EngineReport, ...]


class JobTimes(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """From the engine process: how long a job was queued and worked on."""

    job: int
    queued_s: float
    took_s: float
    batch: int


class AudioPiece(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """More speech."""

    job: int
    pcm: bytes


class SegmentFinished(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """The speech is over: spoken, cancelled, failed (a message for the log), or refused (a
    sentence for the client, see ``engines.base.Unspeakable``). ``cpu_s`` is the CPU time it took.
    """

    job: int
    failure: str | None = None
    refusal: str | None = None
    cpu_s: float = 0.0


class CallResults(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """One outcome for each request of a ``CallBatch``, in order; ``cpu_s`` as above."""

    job: int
    outcomes: tuple[Outcome, ...]
    cpu_s: float = 0.0


IpcMessage = (
    BeginSegment
    | GrantCredit
    | CancelSegment
    | CallBatch
    | AbortStream
    | WorkerReady
    | WorkerUnavailable
    | EngineReports
    | JobTimes
    | AudioPiece
    | SegmentFinished
    | CallResults
)

_decoder = msgspec.msgpack.Decoder(IpcMessage)


class MessageReader(FrameReader[IpcMessage]):
    """Finds these messages in pieces of a byte stream, however they are cut."""

    def __init__(self) -> None:
        super().__init__(_decoder)
