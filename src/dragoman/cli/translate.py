"""``dragoman translate``: a file in, live captions and translated speech out.

Scope: options, and the two tasks of a session, one that sends and one that receives. With
``--realtime`` a chunk is sent when a microphone would have delivered it, and the WAV has the speech
where it would have been heard. With ``--fast`` chunks are sent as fast as the server reads them,
and the WAV has the speech without pauses. Nothing is sent before the server has accepted the
settings.
"""

from __future__ import annotations

import asyncio
import contextlib
from enum import Enum
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console

from dragoman.cli.captions import Captions
from dragoman.cli.screen import CaptionScreen, EventSink, closing_lines, complain
from dragoman.cli.why import explain
from dragoman.client.connection import LOCAL_URL
from dragoman.client.errors import ClientError, ConnectionLost
from dragoman.client.event_log import EventLog
from dragoman.client.events import Problem, SessionChanged, SessionEnded
from dragoman.client.interpretation import DEFAULT_MODEL, OUTPUT_RATE_HZ, InterpretClient
from dragoman.client.media import JpegFrame, MediaFile, SoundChunk
from dragoman.client.wav import WavWriter

_PICTURE_INTERVAL_S = 0.5
_SERVER_TIMEOUT_S = 300.0


class SendPace(Enum):
    """How fast a file is sent."""

    REALTIME = "realtime"
    FAST = "fast"


class _TranslateRequest(NamedTuple):
    file: Path
    target: str
    source: str | None
    output: str | None
    text_only: bool
    pace: SendPace
    pictures: bool
    model: str
    voice: str | None
    url: str
    api_key: str | None
    log: Path | None


def translate(
    file: Annotated[Path, typer.Argument(help="Any audio or video file.")],
    *,
    to: Annotated[str, typer.Option("--to", help="Language to translate into, e.g. es.")],
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="WAV for the translated speech.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Language that is spoken. [detected]")] = None,
    text_only: Annotated[bool, typer.Option("--text-only", help="Captions, no speech.")] = False,
    realtime: Annotated[
        bool, typer.Option("--realtime/--fast", help="In real time, or as fast as possible.")
    ] = True,
    video: Annotated[
        bool, typer.Option("--video/--no-video", help="Send pictures of a video as context.")
    ] = True,
    model: Annotated[str, typer.Option(help="Model name.")] = DEFAULT_MODEL,
    voice: Annotated[str | None, typer.Option(help="Name of a voice.")] = None,
    url: Annotated[
        str, typer.Option(help="Address of the server.", envvar="DRAGOMAN_URL")
    ] = LOCAL_URL,
    api_key: Annotated[
        str | None, typer.Option(help="API key; default: DASHSCOPE_API_KEY.", show_default=False)
    ] = None,
    log: Annotated[Path | None, typer.Option(help="Write an event log (JSON lines).")] = None,
) -> None:
    """Interpret a recording, with live captions."""
    if text_only and output is not None:
        complain("--text-only makes no speech: leave out --output")
        raise typer.Exit(2)
    request = _TranslateRequest(
        file,
        to,
        source,
        output,
        text_only,
        SendPace.REALTIME if realtime else SendPace.FAST,
        video,
        model,
        voice,
        url,
        api_key,
        log,
    )
    try:
        asyncio.run(_run(request))
    except (ClientError, OSError) as failure:
        complain(explain(failure, url))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        complain("stopped; what was translated so far is kept")
        raise typer.Exit(130) from None


async def _run(request: _TranslateRequest) -> None:
    with contextlib.ExitStack() as files:
        log = files.enter_context(EventLog(request.log))
        async with (
            MediaFile(request.file, pictures=request.pictures) as media,
            InterpretClient(request.url, model=request.model, api_key=request.api_key) as client,
        ):
            wav = None
            if request.output is not None:
                wav = files.enter_context(WavWriter(request.output, OUTPUT_RATE_HZ))
            # With the WAV on standard output, captions go to standard error.
            console = Console(highlight=False, stderr=request.output == "-")
            captions = Captions(request.source, request.target)
            screen = files.enter_context(CaptionScreen(captions, media.duration_ms, console))
            sink = EventSink(screen, log, wav, timeline=request.pace is SendPace.REALTIME)
            session = _TranslateSession(
                request=request, media=media, client=client, screen=screen, log=log, sink=sink
            )
            await session.run()
        screen.close()
        _report(request, session, log.now_ms())
    if sink.failed and not sink.translated:
        raise typer.Exit(1)


def _report(request: _TranslateRequest, session: _TranslateSession, took_ms: float) -> None:
    notes = Console(stderr=True, highlight=False, soft_wrap=True)
    if request.pace is SendPace.REALTIME:
        for line in closing_lines(session.sink.latency.summary(session.sent_ms)):
            notes.print(line, markup=False)
    else:
        speed = session.sent_ms / took_ms if took_ms else 0.0
        sent_s, took_s = session.sent_ms / 1000, took_ms / 1000
        notes.print(f"  {sent_s:.1f} s of source in {took_s:.1f} s ({speed:.1f} times real time)")
    if request.output is not None and request.output != "-":
        notes.print(f"Translated speech: {request.output}", markup=False)
    for line in session.sink.shortcomings():
        notes.print(line, style="yellow", markup=False)


def _main_failure(group: ExceptionGroup[Exception]) -> Exception:
    """Of two tasks that failed together, the failure that says more."""
    known = [one for one in group.exceptions if isinstance(one, ClientError | OSError)]
    if len(known) < len(group.exceptions):
        return group  # A bug: show everything.
    return min(known, key=lambda one: isinstance(one, ConnectionLost))


class _TranslateSession:
    """A sender and a receiver over the same client."""

    def __init__(
        self,
        *,
        request: _TranslateRequest,
        media: MediaFile,
        client: InterpretClient,
        screen: CaptionScreen,
        log: EventLog,
        sink: EventSink,
    ) -> None:
        self.sink = sink
        self.sent_ms = 0.0
        self._request = request
        self._media = media
        self._client = client
        self._screen = screen
        self._log = log
        self._accepted = asyncio.Event()
        self._sent_all = False
        self._timeout = asyncio.timeout(None)
        self._last_picture_s = -_PICTURE_INTERVAL_S

    async def run(self) -> None:
        """Run both tasks until the server has finished."""
        request = self._request
        await self._client.update(
            target=request.target,
            source=request.source,
            voice=request.voice,
            text_only=request.text_only,
        )
        self._log.sent("session.update")
        try:
            async with asyncio.TaskGroup() as tasks:
                sender = tasks.create_task(self._send())
                await self._receive()
                sender.cancel()
        except ExceptionGroup as group:
            raise _main_failure(group) from None

    async def _send(self) -> None:
        await self._accepted.wait()
        self._log.start()
        async for piece in self._media:
            if self._request.pace is SendPace.REALTIME:
                await asyncio.sleep(max(0.0, piece.media_ms - self._log.now_ms()) / 1000)
            if isinstance(piece, SoundChunk):
                await self._client.send_audio(piece.pcm)
                self._log.sent("input_audio_buffer.append", piece.pcm)
                self.sent_ms = piece.media_ms
                self._screen.progress(piece.media_ms)
            else:
                await self._send_picture(piece)
        await self._client.finish()
        self._log.sent("session.finish")
        self._sent_all = True
        self._restart_timeout()

    async def _send_picture(self, piece: JpegFrame) -> None:
        """Send a picture, at most two per second of wall clock: ``--fast`` skips most of them."""
        now_s = self._log.now_ms() / 1000
        if now_s - self._last_picture_s < _PICTURE_INTERVAL_S - 0.01:
            return
        self._last_picture_s = now_s
        await self._client.send_image(piece.jpeg)
        self._log.sent("input_image_buffer.append")

    async def _receive(self) -> None:
        """Receive until the session has ended; after the end of the source with a timeout."""
        try:
            async with asyncio.timeout(None) as self._timeout:
                await self._receive_all()
        except TimeoutError:
            raise ConnectionLost(1006, "the server has stopped answering") from None

    def _restart_timeout(self) -> None:
        self._timeout.reschedule(asyncio.get_running_loop().time() + _SERVER_TIMEOUT_S)

    async def _receive_all(self) -> None:
        async for event in self._client:
            at_ms = self._log.now_ms()
            if self._sent_all:
                self._restart_timeout()
            match event:
                case SessionChanged():
                    self._accepted.set()
                case Problem() if event.fatal or not self._accepted.is_set():
                    raise event.as_error()
                case Problem(param="type"):  # The server does not know the event.
                    model = self._request.model
                    raise ClientError(f"{model} is not for interpretation: {event.message}")
                case SessionEnded():
                    self._log.received(at_ms, event)
                    return
            self.sink.take(at_ms, event)
        raise ConnectionLost(1000, "")
