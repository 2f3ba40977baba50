"""The row of an API in the registry: everything the server needs to know of it.

Scope: shapes. Code that serves a model asks the row; nothing compares names of APIs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import msgspec

from dragoman.protocol.core.codec import Codec
from dragoman.protocol.core.session import BaseSession, SessionContext


class ModelFamily(Protocol):
    """The models that behave alike; ``name`` is what an operator's alias may point to."""

    @property
    def name(self) -> str:
        """The name of the family."""


F = TypeVar("F", bound=ModelFamily)


@dataclass(frozen=True, kw_only=True)
class Api(Generic[F]):
    """One API. ``first_audio`` names the event that promises speech and the first one that brings
    some, for the histogram of their distance; None where an API does not speak.
    """

    label: str
    """Its name in metrics and logs."""
    paths: tuple[str, ...]
    """The URL paths it is served on."""
    families: tuple[F, ...]
    family_for: Callable[[str], F | None]
    """The family of a model name ("" if the client named none), or None if it is no model of this
    API. A name that no API of a path takes is refused in the words of the realtime APIs, so an API
    of another vendor takes every name on its own path and refuses in its own words.
    """
    codec: Codec
    """Frames to events and back. It keeps no state, so all connections share it."""
    session: Callable[[F, SessionContext], BaseSession]
    """Makes the session of one connection."""
    roles: tuple[str, ...] = ("vad", "asr", "mt", "tts")
    """The roles of the engines that its sessions use."""
    first_audio: tuple[str, str] | None = None
    reads_late: bool = False
    """Whether its clients may read nothing until they have sent everything, so that a socket which
    nobody reads is no dead client."""
    options: type[msgspec.Struct] | None = None
    """What an operator may choose for this API; its session asks the context for a value."""
