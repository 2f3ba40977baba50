"""The contract suite over a chat endpoint on the loopback interface."""

import functools
from collections.abc import Callable, Iterator

import pytest

from dragoman.engines import registry
from tests.endpoints.chat import serve_chat, tagged
from tests.endpoints.http_server import LoopbackServer
from tests.engines.contract import Case, laws


@pytest.fixture(scope="module")
def case() -> Iterator[Case]:
    with LoopbackServer() as server:
        serve_chat(server, tagged)
        found = Case(functools.partial(registry.make, f"openai-chat?url={server.url}"))
        yield found
        found.close()


@pytest.mark.parametrize("law", laws("mt"), ids=lambda law: law.__name__)
def test_law(case: Case, law: Callable[[Case], None]) -> None:
    law(case)
