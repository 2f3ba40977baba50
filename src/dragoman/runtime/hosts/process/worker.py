"""A worker process: one engine, one job at a time, behind one unix socket.

Scope: plain blocking code in one thread, no asyncio. It waits in ``recv`` until the host asks.
Between two pieces of speech it looks for ``GrantCredit`` and ``CancelSegment``, and it waits when
the listener's window is full. It ends when the socket does, and the kernel ends it when the host's
thread dies, whatever the engine is doing (PR_SET_PDEATHSIG, Linux). A segment that uses up its CPU
time ends the worker, too: the kernel counts (ITIMER_PROF, all threads), and its SIGPROF reaches
also a C library that never returns.

Started by ``runtime.hosts.process.worker_process`` as ``python -m
dragoman.runtime.hosts.process.worker FD PARENT SPEC``. Imports are kept few: starting time is what
a crash costs.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
import socket
import sys
import time
from collections import deque
from importlib.metadata import EntryPoint
from typing import cast

import msgspec

from dragoman.engines.base import Engine, EngineUnavailable, OnDemand, Synthesizer, Unspeakable
from dragoman.engines.registry import RegistryError, make_here
from dragoman.runtime.hosts.engine_calls import RequestServer
from dragoman.runtime.hosts.framing import encode
from dragoman.runtime.hosts.process import ipc_messages as ipc
from dragoman.runtime.hosts.process.follow_parent import follow_parent
from dragoman.runtime.hosts.synthesize_segment import synthesize_segment

_RECEIVE_BYTES = 1 << 18
_WARM_RATE_HZ = 24_000
_NICENESS = 10
_CLASS_SPEC = re.compile(r"[A-Za-z_][\w.]*:[A-Z]\w*")


class HostGone(Exception):
    """The host closed the socket or died."""


class HostLink:
    """The worker's end of the socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._reader = ipc.MessageReader()
        self._frames: deque[ipc.IpcMessage] = deque()

    def send(self, frame: ipc.IpcMessage) -> None:
        """Send; blocks while the host does not read. Raises ``HostGone``."""
        try:
            self._sock.sendall(encode(frame))
        except OSError:
            raise HostGone from None

    def receive(self) -> ipc.IpcMessage:
        """The next frame; blocks. Raises ``HostGone``."""
        while not self._frames:
            self._read(0)
        return self._frames.popleft()

    def pending(self) -> ipc.IpcMessage | None:
        """The next frame if one is there. Raises ``HostGone``."""
        if not self._frames:
            with contextlib.suppress(BlockingIOError):
                self._read(socket.MSG_DONTWAIT)
        return self._frames.popleft() if self._frames else None

    def _read(self, flags: int) -> None:
        try:
            data = self._sock.recv(_RECEIVE_BYTES, flags)
        except ConnectionError:
            data = b""
        if not data:
            raise HostGone
        self._frames.extend(self._reader.feed(data))


def engine_from_spec(spec: str) -> Engine:
    """A fresh engine, not loaded: of the registry of this interpreter, or of the class
    ``package.module:Class``. Raises ``EngineUnavailable`` when there is no such thing.
    """
    try:
        if _CLASS_SPEC.fullmatch(spec):
            return cast("Engine", EntryPoint(spec, spec, "").load()())
        return make_here(spec)
    except (RegistryError, ImportError, AttributeError) as error:
        raise EngineUnavailable(str(error)) from error


def serve(link: HostLink, engine: Engine) -> None:
    """Do what the host asks until it goes; raises ``HostGone`` then."""
    server = RequestServer(engine)
    while True:
        match link.receive():
            case ipc.BeginSegment() as begin:
                before_s = time.process_time()
                finished = _speak(link, engine, begin)
                cpu_s = time.process_time() - before_s
                link.send(msgspec.structs.replace(finished, cpu_s=cpu_s))
            case ipc.CallBatch(job=job, requests=requests):
                before_s = time.process_time()
                outcomes = tuple(server.answer(requests))
                link.send(ipc.CallResults(job, outcomes, time.process_time() - before_s))
            case ipc.AbortStream(stream=number):
                server.abort(number)
            case _:
                pass  # a GrantCredit or CancelSegment that crossed the end of its job


def _speak(link: HostLink, engine: Engine, begin: ipc.BeginSegment) -> ipc.SegmentFinished:
    """Speak one segment; how that ended."""
    if not isinstance(engine, Synthesizer):
        return ipc.SegmentFinished(
            begin.job, f"engine {engine.info.name} ({engine.info.role}) does not speak"
        )
    room = begin.window
    segment = synthesize_segment(engine, begin.utterance, begin.rate_hz)
    try:
        signal.setitimer(signal.ITIMER_PROF, engine.info.caps.cpu_s)
        with contextlib.closing(segment) as pieces:
            for pcm in pieces:
                link.send(ipc.AudioPiece(begin.job, pcm))
                room = _await_credit(link, begin.job, room - len(pcm))
                if room <= 0:
                    break
    except HostGone:
        raise
    except Unspeakable as refusal:
        return ipc.SegmentFinished(begin.job, refusal=str(refusal))
    except Exception as error:  # noqa: BLE001 - an engine may raise anything; it fails its call
        return ipc.SegmentFinished(begin.job, repr(error))
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return ipc.SegmentFinished(begin.job)


def _await_credit(link: HostLink, job: int, room: int) -> int:
    """How many bytes may still be sent, waiting for credit if none; 0 when cancelled."""
    while True:
        frame = link.receive() if room <= 0 else link.pending()
        match frame:
            case None:
                return room
            case ipc.CancelSegment(job=cancelled) if cancelled == job:
                return 0
            case ipc.GrantCredit(job=credited, size=size) if credited == job:
                room += size
            case _:
                pass  # for a job before this one


def main() -> None:
    """Run one worker: load the engine, say so, serve."""
    descriptor, parent, spec = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # the CPU limit of a segment
    follow_parent(parent)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # hostile text must not fill the disk
    sock = socket.socket(fileno=descriptor)
    sock.set_inheritable(False)
    link = HostLink(sock)
    with contextlib.suppress(HostGone):
        try:
            engine = engine_from_spec(spec)
            if isinstance(engine, OnDemand):  # what it does is never urgent
                os.nice(_NICENESS)
            engine.load()
            if isinstance(engine, Synthesizer) and engine.info.rate_hz != _WARM_RATE_HZ:
                _warm_resampler(engine.info.rate_hz)
        except EngineUnavailable as unavailable:
            link.send(ipc.WorkerUnavailable(str(unavailable)))
        else:
            link.send(ipc.WorkerReady())
            with contextlib.closing(engine):
                serve(link, engine)
    sys.stderr.flush()
    os._exit(0)  # threads of the engine may still hang in C; nothing here needs an orderly exit


def _warm_resampler(from_hz: int) -> None:
    from dragoman.audio.resample import Resampler  # noqa: PLC0415 - only speech needs it

    resampler = Resampler(from_hz, _WARM_RATE_HZ)
    resampler.feed(bytes(from_hz // 10 * 2))
    resampler.flush()


if __name__ == "__main__":
    main()
