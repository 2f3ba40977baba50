"""Fixtures that pytest finds by itself where Dragoman is installed; ``-p no:dragoman`` hides them.

``dragoman_server`` is a server with scripted engines, started when the first test of a session
asks for it. A project that needs other settings defines ``dragoman_settings`` in its
``conftest.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dragoman.testing.live_server import LiveServer, serve


@pytest.fixture(scope="session")
def dragoman_settings() -> dict[str, Any]:
    """Settings for ``serve``; none by default."""
    return {}


@pytest.fixture(scope="session")
def dragoman_server(dragoman_settings: dict[str, Any]) -> Iterator[LiveServer]:
    """A running server, one for each test process; it ends with the test session."""
    with serve(**dragoman_settings) as server:
        yield server
