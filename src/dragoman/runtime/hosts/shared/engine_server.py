"""The engine process's end: engines for gateways, each on a connection of its own.

Scope: loop thread only. Whatever a gateway asks is asked of the engine's host here, which has the
queue and the limits; so gateways are served in the order in which they ask. A gateway that goes
takes its jobs and streams with it. Only processes of the same user may connect.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing
from typing import Any, cast

from dragoman.runtime.hosts.framing import encode
from dragoman.runtime.hosts.host import EngineFailed, EngineHost, HostStream, TextRefused
from dragoman.runtime.hosts.process import ipc_messages as ipc
from dragoman.runtime.hosts.requests import AnyRequest, OpenStream, Outcome, StepStream
from dragoman.runtime.observer import EngineTimed, Event, session_observer

log = logging.getLogger("dragoman.runtime.hosts.shared")

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: unix(7), SO_PEERCRED


class EngineServer:
    """Serves ``hosts``, which gateways know by their numbers, to all who connect."""

    def __init__(self, hosts: Sequence[EngineHost]) -> None:
        self._hosts = hosts
        self._reports: tuple[ipc.EngineReport, ...] = ()
        self._connections: set[GatewayConnection] = set()
        self._server: asyncio.AbstractServer | None = None

    async def start(self, listener: socket.socket) -> None:
        """Accept gateways on a listening unix socket."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._connection, sock=listener)

    def _connection(self) -> GatewayConnection:
        return GatewayConnection(self._hosts, self._connections, self._reports)

    def publish(self, reports: Sequence[ipc.EngineReport]) -> None:
        """Tell the gateways how far the engines are, if that has changed."""
        if tuple(reports) != self._reports:
            self._reports = tuple(reports)
            for connection in self._connections:
                connection.send(ipc.EngineReports(self._reports))

    def close(self) -> None:
        """Hang up."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.hang_up()


class _TimesToGateway:
    """The observer of one job: what its engine took is told to the gateway that asked."""

    def __init__(self, job: int, send: Callable[[ipc.IpcMessage], None]) -> None:
        self._job = job
        self._send = send

    def on(self, event: Event) -> None:
        """See ``Observer``."""
        if isinstance(event, EngineTimed):
            self._send(ipc.JobTimes(self._job, event.queued_s, event.took_s, event.batch))


class _Room:
    """How many bytes of speech may still be sent before the listener takes some."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._granted = asyncio.Event()

    def grant(self, size: int) -> None:
        self._left += size
        self._granted.set()

    async def spend(self, size: int) -> None:
        """Count what was sent; returns when more may be."""
        self._left -= size
        while self._left <= 0:
            self._granted.clear()
            await self._granted.wait()


class GatewayConnection(asyncio.Protocol):
    """What one gateway asks. ``connections`` is where it is found while it is connected."""

    def __init__(
        self,
        hosts: Sequence[EngineHost],
        connections: set[GatewayConnection],
        reports: tuple[ipc.EngineReport, ...],
    ) -> None:
        self._hosts = hosts
        self._connections = connections
        self._reports = reports
        self._reader = ipc.MessageReader()
        self._transport: asyncio.Transport | None = None
        self._jobs: dict[int, asyncio.Task[None]] = {}
        self._rooms: dict[int, _Room] = {}
        self._streams: dict[tuple[int, int], HostStream] = {}

    def send(self, message: ipc.IpcMessage) -> None:
        """Send; without effect once the gateway is gone. What is sent is bounded by what the
        gateway asked for and, for speech, by its window.
        """
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode(message))

    def hang_up(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()

    # ------------------------------------------------------------ asyncio.Protocol
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say how far the engines are."""
        self._transport = cast("asyncio.Transport", transport)
        if _user_of(transport.get_extra_info("socket")) != os.getuid():
            log.error("a process of another user tried to use the engines")
            self._transport.abort()
            return
        self._connections.add(self)
        if self._reports:
            self.send(ipc.EngineReports(self._reports))

    def data_received(self, data: bytes) -> None:
        """Messages, cut anywhere."""
        try:
            messages = self._reader.feed(data)
        except ValueError as error:
            log.warning("a gateway sent something that is no frame: %s", error)
            self.hang_up()
            return
        for message in messages:
            self._take(message)

    def connection_lost(self, error: Exception | None) -> None:
        """Nobody waits for anything any more."""
        self._connections.discard(self)
        self._transport = None
        for task in self._jobs.values():
            task.cancel()
        for stream in self._streams.values():
            stream.abort()
        self._streams.clear()

    # ------------------------------------------------------------ what is asked
    def _take(self, message: ipc.IpcMessage) -> None:
        match message:
            case ipc.CallBatch(job=job, requests=(request,), engine=engine):
                self._begin(job, self._call(job, engine, request))
            case ipc.BeginSegment(job=job, window=window):
                self._rooms[job] = _Room(window)
                self._begin(job, self._speak(message))
            case ipc.GrantCredit(job=job, size=size):
                if job in self._rooms:
                    self._rooms[job].grant(size)
            case ipc.CancelSegment(job=job):
                if job in self._jobs:
                    self._jobs[job].cancel()
            case ipc.AbortStream(stream=number, engine=engine):
                stream = self._streams.pop((engine, number), None)
                if stream is not None:
                    stream.abort()
            case _:
                log.error("a gateway sent a %s", type(message).__name__)
                self.hang_up()

    def _begin(self, job: int, work: Coroutine[Any, Any, None]) -> None:
        task = self._jobs[job] = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(lambda _task: self._end(job))

    def _end(self, job: int) -> None:
        del self._jobs[job]
        self._rooms.pop(job, None)

    async def _call(self, job: int, engine: int, request: AnyRequest) -> None:
        session_observer.set(_TimesToGateway(job, self.send))
        try:
            outcome = Outcome(await self._answer(engine, request))
        except EngineFailed as failure:
            outcome = Outcome(failure=str(failure))
        try:
            self.send(ipc.CallResults(job, (outcome,)))
        except ValueError as error:  # longer than a frame may be
            self.send(ipc.CallResults(job, (Outcome(failure=str(error)),)))

    async def _answer(self, engine: int, request: AnyRequest) -> Any:
        host = self._hosts[engine]
        if isinstance(request, OpenStream):
            stream = await host.open(request.request)
            if self._transport is None:  # the gateway went in the meantime
                stream.abort()
            else:
                self._streams[engine, request.stream] = stream
            return None
        if not isinstance(request, StepStream):
            return await host.call(request)
        open_stream = self._streams.get((engine, request.stream))
        if open_stream is None:
            raise EngineFailed("the stream is gone")
        if request.item is not None:
            return await open_stream.feed(request.item)
        answer = await open_stream.finish()
        self._streams.pop((engine, request.stream), None)
        return answer

    async def _speak(self, begin: ipc.BeginSegment) -> None:
        session_observer.set(_TimesToGateway(begin.job, self.send))
        room = self._rooms[begin.job]
        speech = self._hosts[begin.engine].speak(
            begin.utterance, begin.rate_hz, slack_s=begin.slack_s
        )
        finished = ipc.SegmentFinished(begin.job)
        try:
            async with aclosing(speech) as pieces:
                async for pcm in pieces:
                    self.send(ipc.AudioPiece(begin.job, pcm))
                    await room.spend(len(pcm))
        except TextRefused as refusal:
            finished = ipc.SegmentFinished(begin.job, refusal=str(refusal))
        except EngineFailed as failure:
            finished = ipc.SegmentFinished(begin.job, str(failure))
        self.send(finished)


def _user_of(sock: Any) -> int:
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(credentials)
    return int(uid)
