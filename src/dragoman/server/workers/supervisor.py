"""A server of several processes: who starts them, replaces them, and stops them.

Scope: processes, never sessions. One process has the engines, ``workers`` others serve clients
(gateways). Each gateway has a listening socket of its own on the common port; the kernel gives
each an equal part of the connections. The sockets belong to the supervisor, so connections that
wait for a gateway which died are taken by the one that follows it.

* A process that ends is started again, after growing pauses if that happens again and again.
* SIGTERM or SIGINT: all gateways drain, then the engine process ends; a second signal does not
  wait. Processes ignore signals to the whole group.
* SIGHUP: the settings are read again and the gateways replaced one by one: the new one takes over
  the socket before the old one retires. The engine process stays.
* When the supervisor dies, the kernel ends all others.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable

from msgspec.structs import replace

from dragoman.protocol.registry import REALTIME_PATH
from dragoman.server.access.hosts import check_exposure
from dragoman.server.config import Config, ConfigError
from dragoman.server.observability import logs
from dragoman.server.serve import raise_file_limit, url_of
from dragoman.server.sockets.listener import listen, resolve
from dragoman.server.workers import messages as control
from dragoman.server.workers.child_process import ChildProcess
from dragoman.server.workers.process_family import ProcessFamily

LOG = logging.getLogger("dragoman.server")

_LONGEST_PAUSE_S = 5.0
_SETTLED_S = 10.0
"""A process that has worked for so long does not end because of how it was started."""
_FIRST_TRIES = 3
_STOP_S = 10.0
"""After the drain: how long a process may take to end before it is killed."""
_FIXED = ("host", "port", "workers", "engines", "warm")
"""Settings of the sockets and of the engine process, which SIGHUP does not change."""


def supervise(config: Config, announce: Callable[[str], None], reload: Callable[[], Config]) -> int:
    """Run a server of ``config.workers`` gateways until SIGTERM or SIGINT; the exit code. Raises
    ``ConfigError``. ``reload`` reads the settings again, on SIGHUP.
    """
    logs.configure(config.log_level, config.log_format)
    if not hasattr(os, "memfd_create"):
        raise ConfigError("Several processes (workers) need Linux.")
    _, address = resolve(config.host, config.port)
    check_exposure(config, str(address[0]))
    raise_file_limit()
    first = listen(config.host, config.port, shares_port=True)
    port = first.getsockname()[1]
    others = [listen(config.host, port, shares_port=True) for _ in range(config.workers - 1)]
    url = url_of(first, "https" if config.tls_cert else "http")
    place, gateways = f"{url} (host {config.host})", config.workers
    LOG.info("listening on %s, %d gateways, engines %r", place, gateways, config.engines)
    return asyncio.run(Supervisor(config, [first, *others], announce, reload).run())


def _pause_s(failures: int) -> float:
    """After so many failures in a row; the first process is replaced at once."""
    return min(_LONGEST_PAUSE_S, 0.1 * 2 ** min(failures, 10)) if failures else 0.0


class _Slot:
    """A listening socket and the gateway that accepts on it."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.gateway: ChildProcess | None = None
        self.changing = asyncio.Lock()
        """Held while a gateway is started that shall have the socket."""


class Supervisor:
    """The processes of one server."""

    def __init__(
        self,
        config: Config,
        listeners: list[socket.socket],
        announce: Callable[[str], None],
        reload: Callable[[], Config],
    ) -> None:
        self._config = config
        self._announce = announce
        self._reload = reload
        self._slots = [_Slot(listener) for listener in listeners]
        self._family = ProcessFamily(len(listeners) + 2)  # one more while gateways are replaced
        self._engines_listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._engines_listener.bind("")  # a free name that is no file
        self._engines_listener.listen()
        self._rolling: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._is_ready = False
        self._failure = ""

    async def run(self) -> int:
        """Until a signal, or until the engines cannot be loaded; the exit code."""
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, self._on_stop)
        loop.add_signal_handler(signal.SIGHUP, self._on_reload)
        keepers = [loop.create_task(self._keep_engines())]
        keepers += [loop.create_task(self._keep_gateway(slot)) for slot in self._slots]
        watch = loop.create_task(self._family.end_those_that_hang())
        await self._stop.wait()
        for task in (watch, self._rolling, *keepers):
            if task is not None:
                task.cancel()
        await self._family.end("gateway", self._config.drain_s + _STOP_S)
        await self._family.end("engines", _STOP_S)
        if self._failure:
            LOG.error("%s", self._failure)
        return 1 if self._failure else 0

    # ------------------------------------------------------------ signals
    def _on_stop(self) -> None:
        if self._stop.is_set():  # the second signal
            self._family.tell("gateway", control.Drain())
        self._stop.set()

    def _on_reload(self) -> None:
        if self._rolling is None or self._rolling.done():
            self._rolling = asyncio.get_running_loop().create_task(self._replace_gateways())
        else:
            LOG.warning("the gateways are being replaced; ask again when that is done")

    # ------------------------------------------------------------ processes that are kept alive
    async def _keep_engines(self) -> None:
        failures = 0
        while True:
            try:
                child = await self._family.start(
                    "engines", self._begin_engines, (self._engines_fd,)
                )
            except OSError as error:
                failures = await self._wait_for_room(error, failures)
            else:
                failures = await self._follow(child, failures)

    async def _keep_gateway(self, slot: _Slot) -> None:
        failures = 0
        while True:
            try:
                async with slot.changing:
                    slot.gateway = slot.gateway or await self._start_gateway(slot)
            except OSError as error:
                failures = await self._wait_for_room(error, failures)
                continue
            child = slot.gateway
            failures = await self._follow(child, failures)
            if slot.gateway is child:  # else it was replaced
                slot.gateway = None

    async def _follow(self, child: ChildProcess, failures: int) -> int:
        """Until the process has ended and should be started again; how often in a row that was
        soon.
        """
        loop = asyncio.get_running_loop()
        refusal, since_s = await child.started, loop.time()
        if not refusal:
            self._tell_if_ready()
        elif not self._is_ready and (not child.has_ended or failures + 1 >= _FIRST_TRIES):
            self._failure = refusal
            self._stop.set()
        else:
            child.kill()
        code = await child.gone()
        if not child.is_wanted:
            return 0
        LOG.warning("a process (%s) ended with %d; it is started again", child.work, code)
        if not refusal and loop.time() - since_s >= _SETTLED_S:
            return 0
        await asyncio.sleep(_pause_s(failures))
        return failures + 1

    async def _wait_for_room(self, error: OSError, failures: int) -> int:
        LOG.warning("no process can be started: %s", error.strerror or error)
        await asyncio.sleep(_pause_s(failures))
        return failures + 1

    def _tell_if_ready(self) -> None:
        gateways = [slot.gateway for slot in self._slots]
        if not self._is_ready and all(one is not None and one.works for one in gateways):
            self._is_ready = True
            scheme = "wss" if self._config.tls_cert else "ws"
            self._announce(url_of(self._slots[0].listener, scheme) + REALTIME_PATH)

    # ------------------------------------------------------------ starting
    @property
    def _engines_fd(self) -> int:
        return self._engines_listener.fileno()

    def _begin_engines(self, board: int, place: int) -> control.StartEngines:
        return control.StartEngines(self._config, self._engines_fd, board, place)

    async def _start_gateway(self, slot: _Slot) -> ChildProcess:
        listener, engines = slot.listener.fileno(), self._engines_listener.getsockname()

        def begin(board: int, place: int) -> control.StartGateway:
            return control.StartGateway(
                self._config, listener, board, place, engines, opens_when_ready=self._is_ready
            )

        return await self._family.start("gateway", begin, (listener,))

    # ------------------------------------------------------------ replacing
    async def _replace_gateways(self) -> None:
        """Read the settings again and have gateways with these, without losing a session."""
        try:
            config = self._reload()
            changed = [one for one in _FIXED if getattr(config, one) != getattr(self._config, one)]
            config = replace(config, **{one: getattr(self._config, one) for one in changed})
            # With the address that stays: keys may have gone together with a public one.
            check_exposure(config, str(resolve(config.host, config.port)[1][0]))
        except ConfigError as error:
            LOG.error("the settings stay as they were: %s", error)  # noqa: TRY400  # no bug
            return
        if changed:
            LOG.warning("these settings need a restart of the server: %s", ", ".join(changed))
        before, self._config = self._config, config
        for slot in self._slots:
            async with slot.changing:
                if not await self._replace(slot):
                    self._config = before  # for gateways that take the places of others
                    return
        LOG.info("all gateways were replaced")

    async def _replace(self, slot: _Slot) -> bool:
        child = await self._start_gateway(slot)
        refusal = await child.started
        if refusal:
            LOG.error("a gateway with the new settings does not start: %s", refusal)
            child.is_wanted = False
            child.kill()
            return False
        old, slot.gateway = slot.gateway, child
        if old is not None:
            old.is_wanted = False
            old.send(control.Retire())
            await old.gone_in(self._config.drain_s + _STOP_S)
        return True
