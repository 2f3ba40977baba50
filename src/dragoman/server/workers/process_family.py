"""All processes of one server together: their places on the board, and the sum of their metrics.

Scope: what is done for all of them alike. Which ones there should be is up to the supervisor.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from dragoman.server.workers import messages as control
from dragoman.server.workers.board import Board, Work, new_board
from dragoman.server.workers.child_process import ChildProcess
from dragoman.server.workers.metrics_sum import Family, counted, total

LOG = logging.getLogger("dragoman.server")

_PULSE_S = 5.0
_WORKS: tuple[Work, ...] = ("engines", "gateway")

Begin = Callable[[int, int], control.StartGateway | control.StartEngines]
"""Makes the first message, from the descriptor of the board and the place there."""


class ProcessFamily:
    """At most ``most`` processes at a time."""

    def __init__(self, most: int) -> None:
        self._memory = new_board(most + 1)
        self._board = Board(self._memory, 0)  # the supervisor's own place stays empty
        self._free_places = set(range(1, most + 1))
        self._children: set[ChildProcess] = set()
        self._retained: list[Family] = []  # what those counted that have ended
        self._starts: Counter[Work] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, work: Work, begin: Begin, descriptors: Sequence[int]) -> ChildProcess:
        """Start a process. Raises ``OSError``."""
        place = self._free_places.pop()
        child = ChildProcess(work, place, self._on_ask)
        try:
            await child.start(begin(self._memory, place), (self._memory, *descriptors))
        except BaseException:
            self._free_places.add(place)
            raise
        self._starts[work] += 1
        self._children.add(child)
        self._spawn(self._clear_behind(child))
        return child

    def tell(self, work: Work, message: control.ControlMessage) -> None:
        """Send a message to all processes of a kind."""
        for child in self._of(work):
            child.send(message)

    async def end(self, work: Work, limit_s: float) -> None:
        """Have all processes of a kind drain and end; those that do not are killed."""
        children = self._of(work)
        for child in children:
            child.is_wanted = False
            child.send(control.Drain())
        await asyncio.gather(*(child.gone_in(limit_s) for child in children))

    async def end_those_that_hang(self, pulse_s: float = _PULSE_S) -> None:
        """Kill processes that have not answered for so long, until cancelled; they are started
        again.
        """
        while True:
            await asyncio.sleep(pulse_s)
            for child in list(self._children):
                if child.works and not child.has_pulse:
                    LOG.error("a process (%s, pid %d) hangs", child.work, child.pid)
                    child.kill()
                child.check_pulse()

    def _of(self, work: Work) -> list[ChildProcess]:
        return [child for child in self._children if child.work == work]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _clear_behind(self, child: ChildProcess) -> None:
        await child.gone()
        self._children.discard(child)
        self._retained = total([self._retained, counted(child.families)])
        self._board.clear(child.place)
        self._free_places.add(child.place)

    # ------------------------------------------------------------ metrics
    def _on_ask(self, child: ChildProcess, asked: control.AskTotal) -> None:
        self._spawn(self._answer(child, asked.number))

    async def _answer(self, asker: ChildProcess, number: int) -> None:
        others = [child for child in self._children if child is not asker]
        await asyncio.gather(*(child.ask_metrics() for child in others))
        reports = [self._own_families(), self._retained]
        reports += [child.families for child in self._children]
        asker.send(control.Total(number, total(reports)))

    def _own_families(self) -> list[Family]:
        running = Counter(child.work for child in self._children)
        return [
            Family(
                "dragoman_processes",
                "Processes of the server, besides the supervisor.",
                "gauge",
                [("dragoman_processes", {"work": work}, running[work]) for work in _WORKS],
            ),
            Family(
                "dragoman_process_starts",
                "Processes that were started, also in place of others.",
                "counter",
                [
                    ("dragoman_process_starts_total", {"work": work}, self._starts[work])
                    for work in _WORKS
                ],
            ),
        ]
