"""What a host is: the place where an engine lives, as the event loop sees it.

Law of this file: the Protocol and its exceptions; ``runtime.hosts.make_host`` makes hosts and is
what others import. All methods belong to the event loop's thread and none of them blocks it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any, Protocol, TypeVar

from dragoman.engines.base import Info, Utterance
from dragoman.runtime.hosts.batch_calls import Answer, Request

T = TypeVar("T")


class EngineFailed(Exception):
    """A call died; the message is for the log only, never for clients."""


class TextRefused(EngineFailed):
    """The text cannot be spoken with what is installed (``engines.base.Unspeakable``).

    Unlike that of other failures, the message is one sentence written for the client.
    """


class EngineHost(Protocol):
    """An engine with threads or processes under it."""

    info: Info

    @property
    def waiting(self) -> int:
        """How many calls are queued and not yet begun; for load decisions and metrics."""

    async def start(self) -> None:
        """Load and warm the engine. Raises ``EngineUnavailable``."""

    async def close(self) -> None:
        """End what runs (it fails with ``EngineFailed``), free everything; twice is harmless."""

    async def call(self, request: Request) -> Answer:
        """One stateless call: a window's hypothesis, a translation, a picture's lines. Windows of
        different sessions that wait at the same time share one engine call. Raises
        ``EngineFailed``.
        """

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """Call something blocking on the engine's threads (stateful streams; thread hosts only).
        Raises ``EngineFailed`` for whatever the function raises.
        """

    def speak(
        self, utterance: Utterance, rate_hz: int, *, slack_s: float = 0.0
    ) -> AsyncGenerator[bytes, None]:
        """Speech, PCM s16le mono at ``rate_hz``, piece by piece; ``aclose`` cancels.
        ``slack_s`` is how long the listener has still something to hear: where calls queue,
        those may go first that are needed first.
        Raises ``EngineFailed`` while iterating, ``TextRefused`` for what the engine cannot read.
        """
