"""Base of engines that open a model or a library in ``load`` and use it until ``close``.

Scope: that life cycle. Calls that run when an engine is closed finish with what they have.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from dragoman.engines.base import EngineUnavailable, Info

ResourceT = TypeVar("ResourceT")


class OpensOnce(ABC, Generic[ResourceT]):
    """``load``, ``close`` and ``_opened`` of an engine; ``_open`` is the engine's own."""

    info: Info
    _resource: ResourceT | None = None

    @abstractmethod
    def _open(self) -> ResourceT:
        """What the engine needs. Raises ``EngineUnavailable``."""

    def load(self) -> None:
        """Open what the engine needs; again: no effect. Raises ``EngineUnavailable``."""
        if self._resource is None:
            self._resource = self._open()

    def close(self) -> None:
        """Drop what was opened."""
        self._resource = None

    @property
    def _opened(self) -> ResourceT:
        """What ``load`` opened. Raises ``EngineUnavailable`` before that."""
        if self._resource is None:
            raise EngineUnavailable(f"The engine {self.info.name} is not loaded.")
        return self._resource
