"""What a synthesis session is doing: nothing, speaking, or finishing what it speaks.

Scope: the states and what each knows of its job; the session decides when one becomes another. Text
is counted for the usage when its first audio comes.
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
    """A job and its response. ``pushed_segments``: the text of segments that were pushed and not
    yet voiced in full; ``first_audio_seen``: some speech of the oldest of them has come.
    """

    job: int
    response: Response
    pushed_segments: deque[TextMeter] = field(default_factory=deque)
    first_audio_seen: bool = False

    def voiced(self, item: Voiced) -> None:
        """Speech of the oldest segment came."""
        if not self.first_audio_seen and self.pushed_segments:
            self.first_audio_seen = True
            self.response.add_text(self.pushed_segments[0])
        self.response.audio(item)

    def segment_done(self) -> None:
        """The oldest segment has been voiced in full."""
        if not self.first_audio_seen:
            self.response.add_text(self.pushed_segments[0])
        self.pushed_segments.popleft()
        self.first_audio_seen = False


@dataclass
class Speaking(OpenResponse):
    """A response is open and takes more segments. ``chars``: how much it got."""

    chars: int = 0


class Draining(OpenResponse):
    """The job has all it gets; the response closes when it has spoken."""
