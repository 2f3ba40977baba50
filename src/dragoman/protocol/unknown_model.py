"""The session of a model that nobody knows: it greets, says so, and hangs up.

Law of this file: no client depends on how the cloud refuses (it greets and drops the connection
silently), so this says why. The greeting has the shape of the synthesis API.
"""

from __future__ import annotations

from dragoman.protocol.core.client_text import shown
from dragoman.protocol.core.commands import Report
from dragoman.protocol.core.events import ClientEvent, Ids
from dragoman.protocol.core.session import BaseSession, Limits
from dragoman.protocol.synthesis import family
from dragoman.protocol.synthesis.events import SessionCreated


class UnknownModelSession(BaseSession):
    """Closed as soon as it is open."""

    def __init__(self, model: str, ids: Ids, limits: Limits, *, strict: bool = False) -> None:
        super().__init__(ids, limits, strict=strict)
        self._model = shown(model)

    def on_open(self) -> None:
        """Greet, refuse, close 1007."""
        greeting = family.created(family.FLASH.defaults(), self.ids.new("sess"), self._model)
        self.send(SessionCreated(session=greeting))
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
