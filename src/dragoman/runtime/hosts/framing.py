"""Messages as frames on a unix stream socket, and how they are found again in a stream of bytes.

Scope: framing only; which messages there are stands where they are used. A frame is four bytes of
length (big-endian) and that many bytes of MessagePack; the array's first element names the kind of
the message. Both ends are ours and of the same version, but a broken stream must end in
``ValueError``, not in a hang or in endless memory.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

HEAD_BYTES = 4
LONGEST_FRAME = 64 << 20

MessageT = TypeVar("MessageT")
_encoder = msgspec.msgpack.Encoder()


def encode(message: msgspec.Struct) -> bytes:
    """The message as a frame. Raises ``ValueError`` when it is too long."""
    buffer = bytearray(HEAD_BYTES)
    _encoder.encode_into(message, buffer, HEAD_BYTES)
    length = len(buffer) - HEAD_BYTES
    if length > LONGEST_FRAME:
        raise ValueError(f"a frame of {length} bytes is longer than {LONGEST_FRAME}")
    buffer[:HEAD_BYTES] = length.to_bytes(HEAD_BYTES, "big")
    return bytes(buffer)


class FrameReader(Generic[MessageT]):
    """Finds messages in pieces of a byte stream, however they are cut."""

    def __init__(self, decoder: msgspec.msgpack.Decoder[MessageT]) -> None:
        self._decoder = decoder
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[MessageT]:
        """Take more bytes; the messages that are complete.

        Raises ``ValueError`` for what is not a frame; the stream is of no use after that.
        """
        self._buffer += data
        messages: list[MessageT] = []
        start, size = 0, len(self._buffer)
        while size - start >= HEAD_BYTES:
            length = int.from_bytes(self._buffer[start : start + HEAD_BYTES], "big")
            if length > LONGEST_FRAME:
                raise ValueError(f"a frame of {length} bytes is longer than {LONGEST_FRAME}")
            end = start + HEAD_BYTES + length
            if end > size:
                break
            messages.append(self._decode(start + HEAD_BYTES, end))
            start = end
        if start:
            del self._buffer[:start]
        return messages

    def _decode(self, start: int, end: int) -> MessageT:
        with memoryview(self._buffer) as view, view[start:end] as body:
            try:
                return self._decoder.decode(body)
            except msgspec.MsgspecError as error:
                raise ValueError("not a frame") from error
