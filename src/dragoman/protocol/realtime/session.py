"""How the realtime APIs say that a session is finished, or that something failed.

Scope: the hooks of ``core.session`` that these APIs share; what a session does is its API's.
"""

from __future__ import annotations

from msgspec import UNSET

from dragoman.protocol.core.events import ClientEvent, ServerEvent
from dragoman.protocol.core.session import BaseSession, Failure
from dragoman.protocol.realtime.events import Error, ErrorBody, SessionFinish, SessionFinished


class RealtimeSession(BaseSession):
    """A session that speaks ``session.*`` and ``error``."""

    def is_finish(self, event: ClientEvent) -> bool:
        """``session.finish``."""
        return isinstance(event, SessionFinish)

    def finished(self) -> ServerEvent:
        """``session.finished``."""
        return SessionFinished()

    def error(self, failure: Failure) -> ServerEvent:
        """``error``; its type says whether the connection lives."""
        body = ErrorBody(
            type="server_error" if failure.is_ours else "invalid_request_error",
            code=failure.code,
            message=failure.message,
            param=failure.param,
            event_id=UNSET if failure.event_id is None else failure.event_id,
        )
        return Error(error=body)
