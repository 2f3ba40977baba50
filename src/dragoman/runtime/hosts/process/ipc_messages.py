"""What goes between a host and its worker processes: frames on a unix stream socket.

Scope: the frames, and how they become bytes and are found again in a stream of bytes. A frame is
four bytes of length (big-endian) and that many bytes of MessagePack; the array's first element
names the kind. Both ends are ours and of the same version, but a broken stream must end in
``ValueError``, not in a hang or in endless memory.

Host to worker: ``BeginSegment``, ``GrantCredit``, ``CancelSegment``, ``CallBatch``,
``AbortStream``. Worker to host: ``WorkerReady`` or ``WorkerUnavailable`` first; ``AudioPiece`` and
then ``SegmentFinished`` for a ``BeginSegment``; ``CallResults`` for a ``CallBatch``.
"""

from __future__ import annotations

import msgspec

from dragoman.engines.base import Utterance
from dragoman.runtime.hosts.requests import AnyRequest, Outcome

HEAD_BYTES = 4
LONGEST_FRAME = 64 << 20


class BeginSegment(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Speak. ``window`` is how many bytes of PCM may be sent before the first ``GrantCredit``."""

    job: int
    utterance: Utterance
    rate_hz: int
    window: int


class GrantCredit(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """The listener has taken ``size`` bytes; as many more may be sent."""

    job: int
    size: int


class CancelSegment(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Nobody listens any more: stop, and say ``SegmentFinished``."""

    job: int


class CallBatch(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Stateless calls, all of one kind, or one step of a stream of this worker. Without any it is a
    probe: whether the worker still answers.
    """

    job: int
    requests: tuple[AnyRequest, ...]


class AbortStream(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Nobody wants the rest of the stream; not answered."""

    stream: int


class WorkerReady(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """The engine is loaded and warm."""


class WorkerUnavailable(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """The engine cannot run here; the message says how to mend that."""

    message: str


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
    | AudioPiece
    | SegmentFinished
    | CallResults
)

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(IpcMessage)


def encode(frame: IpcMessage) -> bytes:
    """The frame as bytes, with its length in front. Raises ``ValueError`` when it is too long."""
    buffer = bytearray(HEAD_BYTES)
    _encoder.encode_into(frame, buffer, HEAD_BYTES)
    length = len(buffer) - HEAD_BYTES
    if length > LONGEST_FRAME:
        raise ValueError(f"a frame of {length} bytes is longer than {LONGEST_FRAME}")
    buffer[:HEAD_BYTES] = length.to_bytes(HEAD_BYTES, "big")
    return bytes(buffer)


class MessageReader:
    """Finds frames in pieces of a byte stream, however they are cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[IpcMessage]:
        """Take more bytes; the frames that are complete.

        Raises ``ValueError`` for what is not a frame; the stream is of no use after that.
        """
        self._buffer += data
        frames: list[IpcMessage] = []
        start, size = 0, len(self._buffer)
        while size - start >= HEAD_BYTES:
            length = int.from_bytes(self._buffer[start : start + HEAD_BYTES], "big")
            if length > LONGEST_FRAME:
                raise ValueError(f"a frame of {length} bytes is longer than {LONGEST_FRAME}")
            end = start + HEAD_BYTES + length
            if end > size:
                break
            frames.append(_decode(self._buffer, start + HEAD_BYTES, end))
            start = end
        if start:
            del self._buffer[:start]
        return frames


def _decode(buffer: bytearray, start: int, end: int) -> IpcMessage:
    with memoryview(buffer) as view, view[start:end] as body:
        try:
            frame: IpcMessage = _decoder.decode(body)
        except msgspec.MsgspecError as error:
            raise ValueError("not a frame") from error
    return frame
