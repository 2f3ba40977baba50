"""What every test may use, and the kind of each test.

Every test has exactly one of the markers ``unit``, ``live``, ``engine`` and ``slow``: the one it
is marked with, else the one of the server it asks for, else ``unit``. A unit test that starts a
program fails, so that ``make quick`` stays quick.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Generator, Iterator

import pytest

from dragoman.testing import LiveServer, serve

KINDS = {"unit", "live", "engine", "slow"}
KIND_BY_FIXTURE = {"embedded_server": "engine", "scripted_server": "live"}
PROGRAM_EVENTS = {"subprocess.Popen", "os.posix_spawn", "os.fork"}

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs so, and programs that tests interrupt would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

_programs: list[str] = []
"""Programs that were started since the running test began."""


# ---------------------------------------------------------------- fixtures
@pytest.fixture
def anyio_backend() -> str:
    """Tests marked ``anyio`` run on asyncio, which is what the server runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
def scripted_server() -> Iterator[LiveServer]:
    """A real server with scripted engines, one for each test process."""
    with serve(engines="scripted") as server:
        yield server


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[LiveServer]:
    """A real server with the embedded engines, one for each test process."""
    with serve(engines="embedded") as server:
        yield server


# ---------------------------------------------------------------- kinds
def kind_of(marked: set[str], fixtures: list[str]) -> str:
    """The one kind of a test; raises ``ValueError`` when it is marked with more than one."""
    kinds = marked & KINDS
    if len(kinds) > 1:
        raise ValueError(f"marked as {' and '.join(sorted(kinds))}; a test is of one kind")
    if kinds:
        return kinds.pop()
    return next((kind for name, kind in KIND_BY_FIXTURE.items() if name in fixtures), "unit")


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    wrong = []
    for item in items:
        marked = {mark.name for mark in item.iter_markers()}
        try:
            kind = kind_of(marked, getattr(item, "fixturenames", []))
        except ValueError as reason:
            wrong.append(f"{item.nodeid}: {reason}")
        else:
            if kind not in marked:
                item.add_marker(kind)
    if wrong:
        raise pytest.UsageError("\n".join(wrong))


def _notice(event: str, arguments: tuple[object, ...]) -> None:
    if event in PROGRAM_EVENTS:
        _programs.append(f"{event} {arguments[0] if arguments else ''}")


sys.addaudithook(_notice)


def pytest_runtest_logstart() -> None:
    _programs.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    result = yield
    if _programs and item.get_closest_marker("unit"):
        pytest.fail(f"a unit test starts a program ({_programs[0]}): mark it as live or engine")
    return result
