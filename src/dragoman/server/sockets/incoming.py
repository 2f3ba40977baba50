"""The messages of one WebSocket that its session has not taken yet, and the one that comes in.

Scope: ``MessageParts`` makes a message of its fragments. ``Incoming`` is a queue with one reader,
which takes one message (as ASGI does) or all that are there (as a session does). It stands in for
the ``asyncio.Queue`` of uvicorn's protocol, so it takes what uvicorn puts: ASGI messages, the
disconnect included. Its bound is kept by the protocol, which stops reading from the socket while
``size`` is large.
"""

from __future__ import annotations

import asyncio
import codecs

from starlette.types import Message

_MESSAGE = 100
"""What a message costs besides its data, roughly, so that empty ones are bounded, too."""


class Incoming:
    """ASGI messages in order. ``size``: about how many bytes (characters, for text) they hold."""

    def __init__(self) -> None:
        self.size = 0
        self._messages: list[Message] = []
        self._loop = asyncio.get_running_loop()
        self._arrival: asyncio.Future[None] | None = None
        self._done = self._loop.create_future()
        self._done.set_result(None)

    def put_nowait(self, message: Message) -> None:
        """Queue a message."""
        self._messages.append(message)
        self.size += _size(message)
        arrival, self._arrival = self._arrival, None
        if arrival is not None and not arrival.done():  # done: its reader was cancelled
            arrival.set_result(None)

    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._messages

    async def get(self) -> Message:
        """The next message, as ASGI asks for it."""
        await self.arrival()
        return self.take(1)[0]

    def take(self, most: int) -> list[Message]:
        """The next messages, as many as are there."""
        taken = self._messages[:most]
        del self._messages[:most]
        self.size -= sum(map(_size, taken))
        return taken

    def clear(self) -> None:
        """Drop everything."""
        self.take(len(self._messages))

    def arrival(self) -> asyncio.Future[None]:
        """Done when a message waits. A plain future, because a coroutine costs more to await."""
        if self._messages:
            return self._done
        self._arrival = self._loop.create_future()
        return self._arrival


class MessageParts:
    """The fragments of a message that is not whole; ``size``: their bytes.

    Text is decoded part by part, so that a wrong byte is noticed when it comes.
    """

    def __init__(self) -> None:
        self.size = 0
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._texts: list[str] | None = None
        self._data: list[bytes] = []

    def begin(self, *, is_text: bool) -> None:
        """A message begins."""
        self._utf8.reset()
        self._texts, self._data, self.size = [] if is_text else None, [], 0

    def add(self, data: bytes, *, final: bool) -> None:
        """Take a fragment. Raises ``UnicodeDecodeError``."""
        self.size += len(data)
        if self._texts is None:
            self._data.append(data)
        else:
            self._texts.append(self._utf8.decode(data, final=final))

    def whole(self) -> Message:
        """The message as ASGI has it; nothing is held any more."""
        texts, data = self._texts, self._data
        self.begin(is_text=False)
        if texts is None:
            return {"type": "websocket.receive", "bytes": b"".join(data)}
        return {"type": "websocket.receive", "text": "".join(texts)}


def _size(message: Message) -> int:
    return _MESSAGE + len(message.get("text") or message.get("bytes") or "")
