"""``dragoman serve`` without the command line: bind, run, drain, exit.

Law of this file: the process and its web server. uvicorn runs on uvloop with its sans-I/O
WebSockets; compression is off (it costs several times the CPU and random PCM does not shrink), and
so are pings (official samples block the thread that would answer them).

Shutdown: SIGTERM or SIGINT begins to drain: the port stays open, ``/health`` and new sessions get
503, running sessions may finish for ``drain_s``. What is left then is closed with 1012. A second
signal skips the waiting. Either way the exit code is 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import uvicorn

from dragoman.server import logs
from dragoman.server.admission import check_exposure
from dragoman.server.app import REALTIME_PATH, Converse, create_app
from dragoman.server.config import Config, ConfigError
from dragoman.server.http_guard import GuardedHttp
from dragoman.server.lifecycle import Service
from dragoman.server.memory import share_one_heap
from dragoman.server.websocket_guard import bounded, listen, resolve

LOG = logging.getLogger("dragoman.server")

MAX_FRAME_BYTES = 16 * 1024 * 1024
_LAST_GOODBYES_S = 3
"""After the drain: how long closes and clean-up may take before tasks are cancelled."""


class DrainingServer(uvicorn.Server):
    """uvicorn, but sessions may finish before it goes, and a clean end is exit code 0."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self._hurry = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Unlike uvicorn's: the signal is not raised again afterwards."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, self.stop)
        try:
            yield
        finally:
            for signum in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(signum)

    def stop(self) -> None:
        """Begin to drain; called again, stop at once. Only from the event loop's thread."""
        if self.should_exit:
            self.force_exit = True
            self._hurry.set()
        self.should_exit = True
        self._service.drain()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let sessions finish, then stop as uvicorn does (close code 1012 for what is left)."""
        self._service.drain()
        left = self._service.sessions
        if left:
            LOG.info("draining: %d sessions may finish", left)
            waits = [
                asyncio.create_task(self._service.idle()),
                asyncio.create_task(self._hurry.wait()),
            ]
            await asyncio.wait(
                waits,
                timeout=self._service.config.drain_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for wait in waits:
                wait.cancel()
        if self._service.sessions:
            LOG.warning("closing %d sessions that did not finish", self._service.sessions)
        # uvicorn skips the application's clean-up when forced; engines must be stopped anyway.
        self.force_exit = False
        await super().shutdown(sockets)


def url_of(listener: socket.socket, scheme: str) -> str:
    """Where a listening socket can be reached."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # shown, not bound
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def web_server(service: Service, converse: Converse) -> DrainingServer:
    """The web server of a service; to be run on a socket of ``listener.listen``."""
    config = uvicorn.Config(
        create_app(service, converse),
        loop="none",
        http=GuardedHttp,
        ws=bounded(service.config.limits.stall_s, service.metrics.stalled.inc),
        ws_max_size=MAX_FRAME_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        ws_ping_timeout=None,
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_LAST_GOODBYES_S,
    )
    return DrainingServer(config, service)


async def run(
    listener: socket.socket,
    service: Service,
    converse: Converse,
    announce: Callable[[str], None],
) -> int:
    """Serve on an open socket until told to stop; the exit code."""
    server = web_server(service, converse)

    async def tell() -> None:
        await service.decided.wait()
        if service.state == "ready":
            announce(url_of(listener, "ws") + REALTIME_PATH)
        elif service.state == "failed":
            server.should_exit = True

    telling = asyncio.create_task(tell())
    await server.serve(sockets=[listener])
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)
    if service.failure:
        LOG.error("%s", service.failure)
        return 1
    return 0


def serve(config: Config, announce: Callable[[str], None]) -> int:
    """Run the server until SIGTERM or SIGINT; the exit code. Raises ``ConfigError``.

    ``announce`` gets the WebSocket's URL once, when sessions are welcome.
    """
    logs.configure(config.log_level)
    share_one_heap()
    _, address = resolve(config.host, config.port)
    check_exposure(config, str(address[0]))
    _raise_file_limit()
    listener = listen(config.host, config.port)
    LOG.info("listening on %s, loading engines %r", url_of(listener, "http"), config.engines)
    # Here and not above: the port should be open before the engines' modules are imported.
    from dragoman.server.realtime_endpoint import converse, make_stack  # noqa: PLC0415  # see above

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        service = Service(config, make_stack(config))
        return runner.run(run(listener, service, converse, announce))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415  # does not exist on every system
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _raise_file_limit() -> None:
    """A session is a file descriptor: take as many as the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


__all__ = ["ConfigError", "DrainingServer", "run", "serve", "url_of", "web_server"]
