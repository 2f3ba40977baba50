"""One worker process as the host sees it: start, frames in both directions, end, reaping.

Scope: loop thread only, one ``asyncio.Protocol`` over one end of a socket pair; no
queue and no policy. The worker is a fresh interpreter, never a fork, and may be that of an
environment (``engines.environments``). It must be started from a
thread that lives as long as the host (the loop's), because the kernel ties the worker's life to
the thread that started it. A worker gets the server's environment without the server's keys, and
no signal that tells the server to stop.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import cast

from dragoman.engines.base import EngineUnavailable
from dragoman.engines.shared.program_environment import without_server_keys
from dragoman.engines.shared.stop_signals import stop_signals_blocked
from dragoman.runtime.hosts.framing import encode
from dragoman.runtime.hosts.process import ipc_messages as ipc

OnFrame = Callable[["WorkerProcess", ipc.IpcMessage], None]
OnGone = Callable[["WorkerProcess", str], None]


class WorkerProcess(asyncio.Protocol):
    """A worker. ``on_frame`` gets what it sends once ready, ``on_gone`` why it ended, once.
    ``python`` is the interpreter of an environment; None: this one.
    """

    _CLOSE_S = 1.0

    def __init__(
        self, spec: str, on_frame: OnFrame, on_gone: OnGone, python: str | None = None
    ) -> None:
        self._spec = spec
        self._python = python
        self._on_frame = on_frame
        self._on_gone = on_gone
        self._reader = ipc.MessageReader()
        self._transport: asyncio.Transport | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._reason = ""
        self.overran = False
        """Whether it was ended because a job went beyond a limit, not because it is broken."""
        self.was_killed = False
        """Whether it was killed from outside: by an operator, or by the system (out of memory)."""
        self._closing = False
        self._reaping: asyncio.Task[None] | None = None
        loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = loop.create_future()
        self._gone: asyncio.Future[None] = loop.create_future()

    @property
    def pid(self) -> int | None:
        """The process id while there is a process."""
        return self._process.pid if self._process is not None else None

    async def open(self, limit_s: float) -> None:
        """Start the process and wait until its engine is ready.

        Raises ``EngineUnavailable`` when the engine says so, dies, or takes too long, and when
        there is no room for a process (descriptors, memory), which may pass.
        """
        try:
            ours = self._spawn()
        except OSError as error:
            raise EngineUnavailable(
                f"no worker process for the engine {self._spec}: {error.strerror or error}"
            ) from error
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: self, sock=ours)
        try:
            await asyncio.wait_for(asyncio.shield(self._ready), limit_s)
        except TimeoutError:
            self.kill("was not ready in time")
            raise EngineUnavailable(
                f"the engine {self._spec} was not ready after {limit_s:g} seconds"
            ) from None
        except asyncio.CancelledError:
            self.kill("was not wanted any more")
            raise

    def _spawn(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = _start(self._spec, theirs.fileno(), self._python)
            except OSError:
                ours.close()
                raise
        ours.settimeout(0)
        return ours

    def send(self, frame: ipc.IpcMessage) -> None:
        """Send a frame; without effect once the worker is gone. Raises ``ValueError``."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode(frame))

    def kill(self, reason: str) -> None:
        """End the process at once; ``on_gone`` follows."""
        self._reason = self._reason or reason
        if self._process is not None:
            self._process.kill()

    def overrun(self, limit: str) -> None:
        """End the process because its job went beyond this limit; ``on_gone`` follows."""
        self.overran = True
        self.kill(f"overran {limit}")

    async def close(self) -> None:
        """Let the process end by itself, then make it end; returns when it is gone."""
        self._closing = True
        if self._transport is None:
            return
        self._transport.close()
        done, _ = await asyncio.wait([self._gone], timeout=self._CLOSE_S)
        if not done:
            self.kill("did not end by itself")
            await asyncio.wait([self._gone])

    # ------------------------------------------------------------ asyncio.Protocol
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ours now."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        """Frames, cut anywhere."""
        try:
            frames = self._reader.feed(data)
        except ValueError as error:
            self.kill(f"sent something that is no frame: {error}")
            return
        for frame in frames:
            self._take(frame)

    def _take(self, frame: ipc.IpcMessage) -> None:
        if self._ready.done():
            self._on_frame(self, frame)
        elif isinstance(frame, ipc.WorkerReady):
            self._ready.set_result(None)
        elif isinstance(frame, ipc.WorkerUnavailable):
            self._fail_ready(frame.message)

    def connection_lost(self, error: Exception | None) -> None:
        """The socket is closed: the worker has ended or is ended now."""
        if not self._closing and self._process is not None:
            self._process.kill()
        self._reaping = asyncio.get_running_loop().create_task(self._reap())

    async def _reap(self) -> None:
        assert self._process is not None
        code = await asyncio.get_running_loop().run_in_executor(None, self._process.wait)
        if code == -signal.SIGPROF and not self._reason:  # the worker's own timer, see there
            self.overran, self._reason = True, "overran the limit of CPU time"
        self.was_killed = code in (-signal.SIGKILL, -signal.SIGTERM) and not self._reason
        reason = f"engine worker {self._spec} {self._reason or 'ended'} ({_how(code)})"
        self._fail_ready(reason)
        if not self._gone.done():
            self._gone.set_result(None)
            self._on_gone(self, reason)

    def _fail_ready(self, message: str) -> None:
        if not self._ready.done():
            self._ready.set_exception(EngineUnavailable(message))
            self._ready.exception()  # retrieved, also when nobody waits any more


def _start(spec: str, descriptor: int, python: str | None) -> subprocess.Popen[bytes]:
    environment = without_server_keys()
    environment.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy would start idle threads
    # An environment's interpreter must find nothing but what is installed there (-I).
    interpreter = (python, "-I") if python else (sys.executable, "-P")
    command = (*interpreter, "-m", "dragoman.runtime.hosts.process.worker")
    with stop_signals_blocked():
        return subprocess.Popen(
            [*command, str(descriptor), str(os.getpid()), spec],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(descriptor,),
            env=environment,
        )


def _how(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
