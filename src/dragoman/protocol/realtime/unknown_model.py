"""The session of a model that no API serves: it greets, says so, and hangs up.

Scope: no client depends on how the cloud refuses (it greets and drops the connection silently), so
this says why.
"""

from __future__ import annotations

from dragoman.protocol.core.client_text import shown
from dragoman.protocol.core.commands import Report
from dragoman.protocol.core.events import ClientEvent
from dragoman.protocol.core.session import SessionContext
from dragoman.protocol.realtime.events import SessionCreated
from dragoman.protocol.realtime.session import RealtimeSession


class UnknownModelSession(RealtimeSession):
    """Closed as soon as it is open."""

    def __init__(self, _family: object, context: SessionContext) -> None:
        super().__init__(context)
        self._model = shown(context.model)

    def on_open(self) -> None:
        """Greet, refuse, close 1007."""
        session_id = self.ids.new("sess")
        self.send(
            SessionCreated(
                session={"id": session_id, "object": "realtime.session", "model": self._model}
            )
        )
        reason = f"Model not found ({self._model})!"
        self.reject("ModelNotFound", reason)
        self.close(1007, reason)

    def on_event(self, event: ClientEvent) -> None:
        """Nothing is taken: the session is closed."""

    def on_report(self, report: Report) -> None:
        """There are no jobs."""

    def on_finish(self) -> None:
        """There is nothing to finish."""

    def is_idle(self) -> bool:
        """Always."""
        return True
