"""HTTP before the handshake: what a connection may cost before anybody knows who it is.

Law of this file: bounds, no routes. uvicorn takes a request's head however long it is and however
slowly it comes; so any stranger who reaches the port could fill the memory or use up the file
descriptors, keys or not. Here a head has ``HEAD_BYTES`` and ``HEAD_S``; then the connection ends.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import Config as UvicornConfig
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

HEAD_BYTES = 64 * 1024
HEAD_S = 10.0


class GuardedHttp(HttpToolsProtocol):
    """uvicorn's HTTP, with an end for heads that are too long or never come to theirs."""

    head_s = HEAD_S

    def __init__(
        self,
        config: UvicornConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head: int | None = None  # bytes of the head that have come, None outside of one
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's
        """The first head is expected from now on."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is expected any more."""
        self._head_is_over()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and count what belongs to a head that is still open."""
        super().data_received(data)
        if self._head is not None:
            self._head += len(data)
            if self._head > HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        """A further request on the same connection has the same time."""
        super().on_message_begin()
        if self._head is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """The head is whole: routes and handshakes have the word."""
        self._head_is_over()
        super().on_headers_complete()

    def _expect_head(self) -> None:
        self._head = 0
        self._patience = self.loop.call_later(self.head_s, self._give_up)

    def _head_is_over(self) -> None:
        self._head = None
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self.transport.close()
