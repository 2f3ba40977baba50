"""``dragoman translate``: a file in, live captions and translated speech out.

Law of this file: options and the two tasks of a session; the protocol is ``InterpretClient``'s
business, files are ``client.media``'s, what one sees is ``cli.screen``'s.

How it works. One task sends, one receives. With ``--realtime`` a piece leaves when a microphone
would have delivered it, and the speech in the WAV stands where it would have been heard; with
``--fast`` pieces leave as fast as the server takes them (its full socket holds us back), and
the WAV is the speech in one go. Nothing is sent before the server has accepted the settings.
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
from dragoman.cli.screen import CaptionScreen, Listener, closing_lines, complain
from dragoman.cli.why import explain
from dragoman.client.connection import LOCAL_URL
from dragoman.client.errors import ClientError, ConnectionLost
from dragoman.client.event_log import EventLog
from dragoman.client.events import Problem, SessionChanged, SessionEnded
from dragoman.client.interpretation import DEFAULT_MODEL, OUTPUT_RATE_HZ, InterpretClient
from dragoman.client.media import JpegFrame, MediaFile, SoundChunk
from dragoman.client.wav import WavWriter

_PICTURE_EVERY_S = 0.5
_SILENT_SERVER_S = 300.0


class SendPace(Enum):
    """How fast a file is sent."""

    REALTIME = "realtime"
    FAST = "fast"


class _Wish(NamedTuple):
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
    source: Annotated[
        str | None, typer.Option(help="Language that is spoken; left out: detected.")
    ] = None,
    text_only: Annotated[bool, typer.Option("--text-only", help="Captions, no speech.")] = False,
    realtime: Annotated[
        bool, typer.Option("--realtime/--fast", help="At speaking pace, or as fast as it goes.")
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
    wish = _Wish(
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
        asyncio.run(_run(wish))
    except (ClientError, OSError) as failure:
        complain(explain(failure, url))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        complain("stopped; what was translated so far is kept")
        raise typer.Exit(130) from None


async def _run(wish: _Wish) -> None:
    with contextlib.ExitStack() as files:
        log = files.enter_context(EventLog(wish.log))
        async with (
            MediaFile(wish.file, pictures=wish.pictures) as media,
            InterpretClient(wish.url, model=wish.model, api_key=wish.api_key) as client,
        ):
            wav = None
            if wish.output is not None:
                wav = files.enter_context(WavWriter(wish.output, OUTPUT_RATE_HZ))
            # With the WAV on standard output, captions must not get between its bytes.
            console = Console(highlight=False, stderr=wish.output == "-")
            captions = Captions(wish.source, wish.target)
            screen = files.enter_context(CaptionScreen(captions, media.duration_ms, console))
            listener = Listener(screen, log, wav, timeline=wish.pace is SendPace.REALTIME)
            session = _Session(
                wish=wish, media=media, client=client, screen=screen, log=log, listener=listener
            )
            await session.run()
        screen.close()
        _report(wish, session, log.now_ms())


def _report(wish: _Wish, session: _Session, took_ms: float) -> None:
    notes = Console(stderr=True, highlight=False, soft_wrap=True)
    if wish.pace is SendPace.REALTIME:
        for line in closing_lines(session.listener.latency.summary(session.sent_ms)):
            notes.print(line, markup=False)
    else:
        speed = session.sent_ms / took_ms if took_ms else 0.0
        sent_s, took_s = session.sent_ms / 1000, took_ms / 1000
        notes.print(f"  {sent_s:.1f} s of source in {took_s:.1f} s ({speed:.1f} times real time)")
    if wish.output is not None and wish.output != "-":
        notes.print(f"Translated speech: {wish.output}", markup=False)


def _telling(group: ExceptionGroup[Exception]) -> Exception:
    """Of two tasks that failed together, the failure with the better reason."""
    known = [one for one in group.exceptions if isinstance(one, ClientError | OSError)]
    if len(known) < len(group.exceptions):
        return group  # Something else is a bug, and shows all there is to know.
    return min(known, key=lambda one: isinstance(one, ConnectionLost))


class _Session:
    """One run: a sender and a receiver over the same client."""

    def __init__(
        self,
        *,
        wish: _Wish,
        media: MediaFile,
        client: InterpretClient,
        screen: CaptionScreen,
        log: EventLog,
        listener: Listener,
    ) -> None:
        self.listener = listener
        self.sent_ms = 0.0
        self._wish = wish
        self._media = media
        self._client = client
        self._screen = screen
        self._log = log
        self._accepted = asyncio.Event()
        self._sent_all = False
        self._patience = asyncio.timeout(None)
        self._pictured_at_s = -_PICTURE_EVERY_S

    async def run(self) -> None:
        """Both tasks, until the server has finished."""
        wish = self._wish
        await self._client.update(
            target=wish.target, source=wish.source, voice=wish.voice, text_only=wish.text_only
        )
        self._log.sent("session.update")
        try:
            async with asyncio.TaskGroup() as tasks:
                sender = tasks.create_task(self._send())
                await self._receive()
                sender.cancel()
        except ExceptionGroup as group:
            raise _telling(group) from None

    async def _send(self) -> None:
        await self._accepted.wait()
        self._log.start()
        async for piece in self._media:
            if self._wish.pace is SendPace.REALTIME:
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
        self._be_impatient()

    async def _send_picture(self, piece: JpegFrame) -> None:
        """Pictures are counted by the clock: a fast sender leaves most of them out."""
        now_s = self._log.now_ms() / 1000
        if now_s - self._pictured_at_s < _PICTURE_EVERY_S - 0.01:
            return
        self._pictured_at_s = now_s
        await self._client.send_image(piece.jpeg)
        self._log.sent("input_image_buffer.append")

    async def _receive(self) -> None:
        """Until the session is finished; after the last of the source, never silent for long."""
        try:
            async with asyncio.timeout(None) as self._patience:
                await self._take_all()
        except TimeoutError:
            raise ConnectionLost(1006, "the server has stopped answering") from None

    def _be_impatient(self) -> None:
        self._patience.reschedule(asyncio.get_running_loop().time() + _SILENT_SERVER_S)

    async def _take_all(self) -> None:
        async for event in self._client:
            at_ms = self._log.now_ms()
            if self._sent_all:
                self._be_impatient()
            match event:
                case SessionChanged():
                    self._accepted.set()
                case Problem() if event.fatal or not self._accepted.is_set():
                    raise event.as_error()
                case Problem(param="type"):  # It has no such event: nothing would come of it.
                    model = self._wish.model
                    raise ClientError(f"{model} is not for interpretation: {event.message}")
                case SessionEnded():
                    self._log.received(at_ms, event)
                    return
            self.listener.take(at_ms, event)
        raise ConnectionLost(1000, "")
