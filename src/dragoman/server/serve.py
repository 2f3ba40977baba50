"""``dragoman serve`` without the command line: bind, run, drain, exit.

Scope: the process and its web server. uvicorn runs on uvloop with its sans-I/O WebSockets;
compression is off (it costs several times the CPU, and PCM hardly shrinks), and so are pings
(official samples block the thread that would answer them).

Shutdown: SIGTERM or SIGINT begins to drain: the port stays open, ``/health`` and new sessions get
503, running sessions may finish for ``drain_s``. What is left then is closed with 1012. A second
signal skips the waiting. Either way the exit code is 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import uvicorn

from dragoman.protocol.registry import REALTIME_PATH
from dragoman.server.access.hosts import check_exposure
from dragoman.server.app import ServeSession, create_app
from dragoman.server.config import Config, ConfigError
from dragoman.server.lifecycle import Lifecycle
from dragoman.server.observability import logs
from dragoman.server.sockets.client_bounds import ClientBounds
from dragoman.server.sockets.http_guard import guarded
from dragoman.server.sockets.listener import listen, resolve
from dragoman.server.sockets.websocket_guard import bounded
from dragoman.server.tls import Certificate, certificate_of

LOG = logging.getLogger("dragoman.server")

_CLEAN_UP_S = 3
"""After the drain: how long closes and clean-up may take before tasks are cancelled."""
_HANDSHAKE_S = 2
"""How long connections that were accepted before a retirement have for their handshake."""
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_GC_THRESHOLDS = (10_000, 10, 1_000)
_FULL_COLLECTION_S = 15.0
_M_ARENA_MAX = -8
_ALLOCATOR_SETTINGS = ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES", "LD_PRELOAD")
"""Where one of these is set, the operator has chosen, perhaps another allocator."""


class DrainingServer(uvicorn.Server):
    """uvicorn, but sessions may finish before it goes, and a clean end is exit code 0."""

    obeys_signals = True
    """False in a gateway, which is told by the supervisor what to do."""
    tls_s = 10.0
    """How long a client may take for the TLS handshake, and for its farewell."""

    def __init__(
        self, config: uvicorn.Config, lifecycle: Lifecycle, certificate: Certificate | None
    ) -> None:
        super().__init__(config)
        self._lifecycle = lifecycle
        self.certificate = certificate
        self._is_retiring = False
        self._stop_now = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, on these sockets, with TLS that waits for no silent client."""
        await super().startup(sockets=[])
        config, loop = self.config, asyncio.get_running_loop()
        tls_s = self.tls_s if config.ssl else None

        def protocol() -> asyncio.Protocol:
            return config.http_protocol_class(  # type: ignore[call-arg]  # uvicorn calls it so, too
                config=config, server_state=self.server_state, app_state=self.lifespan.state
            )

        for listener in sockets or []:
            server = await loop.create_server(
                protocol,
                sock=listener,
                backlog=config.backlog,
                ssl=config.ssl,
                ssl_handshake_timeout=tls_s,
                ssl_shutdown_timeout=tls_s,
            )
            self.servers.append(server)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Unlike uvicorn's: the signal is not raised again afterwards."""
        if not self.obeys_signals or threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for signum in _STOP_SIGNALS:
            loop.add_signal_handler(signum, self.stop)
        try:
            yield
        finally:
            for signum in _STOP_SIGNALS:
                loop.remove_signal_handler(signum)

    def stop(self) -> None:
        """Begin to drain; called again, stop at once. Only from the event loop's thread."""
        if self.should_exit:
            self.force_exit = True
            self._stop_now.set()
        self.should_exit = True
        self._lifecycle.drain()

    def retire(self) -> None:
        """Accept no more connections, as another process does that on the same socket; go when the
        sessions have finished, those included whose connection was accepted before.
        """
        self._is_retiring = True
        for server in self.servers:
            server.close()
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let sessions finish, then stop as uvicorn does (close code 1012 for what is left)."""
        if self._is_retiring:
            await self._wait(asyncio.Event().wait(), _HANDSHAKE_S)
        self._lifecycle.drain()
        left = self._lifecycle.sessions
        if left:
            LOG.info("draining: %(sessions)d sessions may finish", {"sessions": left})
            await self._wait(self._lifecycle.idle(), self._lifecycle.config.drain_s)
        if self._lifecycle.sessions:
            cut_off = {"sessions": self._lifecycle.sessions}
            LOG.warning("closing %(sessions)d sessions that did not finish", cut_off)
        # uvicorn skips the application's clean-up when forced; engines must be stopped anyway.
        self.force_exit = False
        await super().shutdown(sockets)

    async def _wait(self, what: Coroutine[Any, Any, object], limit_s: float) -> None:
        """Wait at most that long, and not at all any more when a second signal comes."""
        waits = [asyncio.create_task(what), asyncio.create_task(self._stop_now.wait())]
        await asyncio.wait(waits, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


def url_of(listener: socket.socket, scheme: str) -> str:
    """Where a listening socket can be reached."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # shown, not bound
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def web_server(lifecycle: Lifecycle, serve_session: ServeSession) -> DrainingServer:
    """The web server; to be run on a socket of ``listener.listen``. Raises ``ConfigError``
    for a certificate that cannot be used.
    """
    certificate = certificate_of(lifecycle.config)
    limits = lifecycle.config.limits
    bounds = ClientBounds(limits, lifecycle.metrics)
    config = uvicorn.Config(
        create_app(lifecycle, serve_session),
        loop="none",
        http=guarded(bounds),
        ws=bounded(bounds),
        ws_max_size=limits.frame_bytes,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        ws_ping_timeout=None,
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_CLEAN_UP_S,
        ssl_context_factory=(lambda *_: certificate.context) if certificate else None,
    )
    return DrainingServer(config, lifecycle, certificate)


async def run(
    listener: socket.socket,
    lifecycle: Lifecycle,
    serve_session: ServeSession,
    announce: Callable[[str], None],
) -> int:
    """Serve on an open socket until a signal; the exit code."""
    server = web_server(lifecycle, serve_session)

    async def announce_ready() -> None:
        await lifecycle.decided.wait()
        spare_collections()
        if lifecycle.state == "ready":
            announce(url_of(listener, "wss" if server.certificate else "ws") + REALTIME_PATH)
        elif lifecycle.state == "failed":
            server.should_exit = True

    tasks = [asyncio.create_task(announce_ready())]
    if server.certificate:
        tasks.append(asyncio.create_task(server.certificate.keep_fresh(), name="certificate"))
    await server.serve(sockets=[listener])
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if lifecycle.failure:
        LOG.error("%s", lifecycle.failure)
        return 1
    return 0


def serve(config: Config, announce: Callable[[str], None]) -> int:
    """Run the server until SIGTERM or SIGINT; the exit code. Raises ``ConfigError``.

    ``announce`` gets the WebSocket's URL once, when sessions are welcome. Several processes:
    ``server.workers.supervisor``.
    """
    logs.configure(config.log_level, config.log_format)
    share_one_heap()
    _, address = resolve(config.host, config.port)
    check_exposure(config, str(address[0]))
    raise_file_limit()
    listener = listen(config.host, config.port)
    url = url_of(listener, "https" if config.tls_cert else "http")
    LOG.info("listening on %s (host %s), loading engines %r", url, config.host, config.engines)
    # Here and not above: the port should be open before the engines' modules are imported.
    from dragoman.server.realtime_endpoint import make_engines, serve_session  # noqa: PLC0415  # see above

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        lifecycle = Lifecycle(config, make_engines(config), str(address[0]))
        return runner.run(run(listener, lifecycle, serve_session, announce))


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where it exists."""
    try:
        import uvloop  # noqa: PLC0415  # does not exist on every system
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def share_one_heap() -> bool:
    """Let all threads that start from now on share one heap; whether that was done.

    glibc gives threads heaps of their own, and each keeps the most that was ever needed in it. An
    engine that decodes in whatever thread is free makes every heap as large as one would have to
    be: with the embedded engines 80 MiB of 225 were free memory, and a server under changing load
    grew in steps for half an hour. With one heap it is 15 MiB, and recognition is as fast, since
    numpy and onnxruntime ask for memory rarely, in large pieces.
    """
    if not sys.platform.startswith("linux") or any(n in os.environ for n in _ALLOCATOR_SETTINGS):
        return False
    with contextlib.suppress(AttributeError, OSError):  # another C library has no such thing
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1))
    return False


def spare_collections() -> None:
    """Let the cyclic garbage collector stop the event loop less often, and for less time. On the
    loop, when all is loaded.

    What is loaded by now stays for ever, so it is not looked through again. Of long sessions a full
    collection finds cycles, and takes 30 ms among 300 of them: it comes at fixed times, and not
    whenever enough was allocated.
    """
    gc.set_threshold(*_GC_THRESHOLDS)
    _collect_now_and_then(asyncio.get_running_loop())
    gc.freeze()


def _collect_now_and_then(loop: asyncio.AbstractEventLoop) -> None:
    gc.collect()
    loop.call_later(_FULL_COLLECTION_S, _collect_now_and_then, loop)


def raise_file_limit() -> None:
    """A session is a file descriptor: take as many as the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


__all__ = ["ConfigError", "DrainingServer", "run", "serve", "url_of", "web_server"]
