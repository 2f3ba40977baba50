"""The main program of a process that the supervisor starts: a gateway, or the engine process.

Scope: what both have in common. The first message says what to be. Signals are for the supervisor,
which has them blocked here; what it wants comes as a message. The kernel ends the process when the
supervisor dies.

Started as ``python -m dragoman.server.workers.child CONTROL PARENT``.
"""

from __future__ import annotations

import asyncio
import socket
import sys

from dragoman.runtime.hosts.process.follow_parent import follow_parent
from dragoman.server.observability import logs
from dragoman.server.workers.messages import (
    ControlLink,
    ControlMessage,
    ControlReader,
    StartEngines,
    StartGateway,
)

_RECEIVE_BYTES = 1 << 16


def main() -> None:
    """Run one process until it has done what it was started for."""
    control, parent = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    follow_parent(parent)
    control.set_inheritable(False)
    reader = ControlReader()
    begin, more = _first_messages(control, reader)
    control.setblocking(False)  # noqa: FBT003  # positional only
    logs.configure(begin.config.log_level, begin.config.log_format)
    from dragoman.server.serve import loop_factory, share_one_heap  # noqa: PLC0415  # after logs

    share_one_heap()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_run(begin, more, control, reader))


def _first_messages(
    control: socket.socket, reader: ControlReader
) -> tuple[StartGateway | StartEngines, list[ControlMessage]]:
    """What to be, and what came right behind it while the interpreter started."""
    messages: list[ControlMessage] = []
    while not messages:
        data = control.recv(_RECEIVE_BYTES)
        if not data:
            sys.exit(0)
        messages = reader.feed(data)
    begin, *more = messages
    assert isinstance(begin, StartGateway | StartEngines)
    return begin, more


async def _run(
    begin: StartGateway | StartEngines,
    more: list[ControlMessage],
    control: socket.socket,
    reader: ControlReader,
) -> None:
    inbox: asyncio.Queue[ControlMessage] = asyncio.Queue()
    for message in more:
        inbox.put_nowait(message)
    link = ControlLink(inbox.put_nowait, _stop_at_once, reader)
    await asyncio.get_running_loop().create_unix_connection(lambda: link, sock=control)
    if isinstance(begin, StartGateway):
        from dragoman.server.workers.gateway import serve_clients  # noqa: PLC0415  # what is needed

        await serve_clients(begin, link, inbox)
    else:
        from dragoman.server.workers.engine_process import serve_engines  # noqa: PLC0415

        await serve_engines(begin, link, inbox)


def _stop_at_once() -> None:
    """The supervisor is gone; the kernel ends us, too, and this only where it cannot."""
    raise SystemExit(1)


if __name__ == "__main__":
    main()
