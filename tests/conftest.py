"""What every test may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dragoman.testing.live_server import LiveServer, serve


@pytest.fixture
def anyio_backend() -> str:
    """Tests marked ``anyio`` run on asyncio, which is what the server runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
def scripted_server() -> Iterator[LiveServer]:
    """A real server with scripted engines, one for each test process."""
    with serve(engines="scripted") as live:
        yield live


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[LiveServer]:
    """A real server with the embedded engines, one for each test process."""
    with serve(engines="embedded") as live:
        yield live
