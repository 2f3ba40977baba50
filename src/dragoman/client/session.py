"""The base of both clients: opens a session and iterates over its typed events.

Scope: no event of one API. One task may send while another iterates.
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Any, ClassVar, Self

import msgspec

from dragoman.client.connection import LOCAL_URL, Connection, RawEvent, Tap
from dragoman.client.errors import CannotConnect, ClientError, ConnectionLost
from dragoman.client.event_reader import EventReader
from dragoman.client.events import Event, SessionEnded
from dragoman.protocol.core.events import ClientEvent


class ClientSession:
    """One session: an asynchronous context manager and an asynchronous iterator of events.

    Iteration stops after ``SessionEnded`` or a normal close. Any other close raises
    ``ServerError`` (the last ``error`` event) or ``ConnectionLost`` (the close code and reason).
    """

    default_model: ClassVar[str]

    def __init__(
        self,
        url: str = LOCAL_URL,
        *,
        model: str | None = None,
        api_key: str | None = None,
        tap: Tap | None = None,
        open_timeout_s: float = 10.0,
    ) -> None:
        """Prepare a session; ``async with`` opens it.

        Args:
            url: ``ws://`` or ``wss://`` address of the API, without the model.
            model: decides the API and the generation; None takes ``default_model``.
            api_key: sent as bearer token. None takes DASHSCOPE_API_KEY from the environment,
                if the address is this machine or encrypted; "" sends none.
            tap: called with "in" or "out" and each event, for logs.
            open_timeout_s: for the handshake, and again for ``session.created``.

        """
        self.url = url
        self.model = model or self.default_model
        self.session: dict[str, Any] = {}
        self._api_key = api_key
        self._tap = tap
        self._open_timeout_s = open_timeout_s
        self._connection: Connection | None = None
        self._reader = EventReader()
        self._events: deque[Event] = deque()
        self._finished = False

    async def __aenter__(self) -> Self:
        """Connect and wait for ``session.created``; its settings are then in ``session``.

        Raises:
            CannotConnect, Refused, ServerError, ConnectionLost: as their names say.

        """
        connection = await Connection.open(
            self.url,
            self.model,
            api_key=self._api_key,
            tap=self._tap,
            open_timeout_s=self._open_timeout_s,
        )
        try:
            async with asyncio.timeout(self._open_timeout_s):
                first = await connection.receive()
        except TimeoutError:
            await connection.close()
            raise CannotConnect(self.url, "it opened no session in time") from None
        except BaseException:
            await connection.close()
            raise
        if first is None:
            raise ConnectionLost(1000, "")
        self._connection = connection
        if first.get("type") == "session.created" and isinstance(first.get("session"), dict):
            self.session = first["session"]
        else:
            self._events.extend(self._reader.feed(first))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection (1000). Safe to call twice."""
        if self._connection is not None:
            await self._connection.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if self._finished:
            self._finished = False
            raise StopAsyncIteration
        while not self._events:
            raw = await self._open_connection.receive()
            if raw is None:
                raise StopAsyncIteration
            self._events.extend(self._reader.feed(raw))
        event = self._events.popleft()
        self._finished = isinstance(event, SessionEnded)
        return event

    async def send(self, event: RawEvent) -> str:
        """Send any JSON event; returns the ``event_id`` that was added."""
        return await self._open_connection.send(event)

    async def _send(self, event: ClientEvent) -> str:
        fields: RawEvent = msgspec.to_builtins(event)
        del fields["event_id"]
        return await self.send(fields)

    @property
    def _open_connection(self) -> Connection:
        if self._connection is None:
            raise ClientError("the client is not connected: use it in an `async with` block")
        return self._connection
