"""What a synthesis session is doing: nothing, speaking, or finishing what it speaks.

Law of this file: the states and what each knows of its job; when one becomes another is the
session's to say. Text is counted for the usage when the first sound of it comes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from dragoman.protocol.core.token_estimate import TextMeter
from dragoman.protocol.synthesis.response import Response
from dragoman.speech import Voiced


@dataclass
class Idle:
    """Nothing is being spoken."""


@dataclass
class OpenResponse:
    """A job and its response. ``ahead``: what was handed over and is not yet voiced in full;
    ``begun``: some speech of the oldest of it has come.
    """

    job: int
    response: Response
    ahead: deque[TextMeter] = field(default_factory=deque)
    begun: bool = False

    def voiced(self, item: Voiced) -> None:
        """Speech came."""
        if not self.begun and self.ahead:
            self.begun = True
            self.response.costs(self.ahead[0])
        self.response.audio(item)

    def said(self) -> None:
        """The oldest segment has been voiced in full."""
        if not self.begun:
            self.response.costs(self.ahead[0])
        self.ahead.popleft()
        self.begun = False


@dataclass
class Speaking(OpenResponse):
    """A response is open and takes more segments. ``chars``: how much it got."""

    chars: int = 0


class Draining(OpenResponse):
    """The job has all it gets; the response closes when it has spoken."""
