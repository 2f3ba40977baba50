"""The session of a model that no API serves: it greets, says so, and hangs up.

Scope: no client depends on how the cloud refuses (it greets and drops the connection silently), so
this says why. The greeting has the shape that the model's name promises: that of the API which a
name such as ``qwen3-tts-flash``, without ``realtime``, resembles; else what all shapes share.
"""

from __future__ import annotations

from dragoman.protocol.core.client_text import shown
from dragoman.protocol.core.commands import Report, Send
from dragoman.protocol.core.events import ClientEvent
from dragoman.protocol.core.session import BaseSession, SessionContext
from dragoman.protocol.realtime.events import SessionCreated
from dragoman.protocol.realtime.session import RealtimeSession


class UnknownModelSession(RealtimeSession):
    """Closed as soon as it is open."""

    def __init__(self, resembled: BaseSession | None, context: SessionContext) -> None:
        """``resembled``: a session of the API that the model's name resembles."""
        super().__init__(context)
        self._resembled = resembled
        self._model = shown(context.model)

    def on_open(self) -> None:
        """Greet, refuse, close 1007."""
        if self._resembled is None:
            greeting = {"object": "realtime.session", "model": self._model}
            self.send(SessionCreated(session={"id": self.ids.new("sess"), **greeting}))
        else:
            created = self._resembled.open(self.now)[0]
            assert isinstance(created, Send)
            self.send(created.event)
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
