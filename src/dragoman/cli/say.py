"""``dragoman say``: text in, a WAV out, or an MP3 or Ogg/Opus file by the name of the output.

Scope: options, progress and files; ``SpeechClient`` does the protocol. Text from standard input is
sent as it arrives, so ``some-program | dragoman say`` speaks while the program still writes.

Reading standard input blocks, so a daemon thread does it, one piece at a time: it reads on after
the piece was sent. Progress goes to standard error, because with ``-o -`` the WAV goes to standard
output. An encoded file must be one stream and so one response: its text is committed as a whole.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Annotated, Any, NamedTuple, NoReturn, Self

import typer
from rich.console import Console
from rich.status import Status

from dragoman.cli.screen import complain, is_terminal
from dragoman.cli.why import explain
from dragoman.client.connection import LOCAL_URL
from dragoman.client.errors import ClientError
from dragoman.client.synthesis import DEFAULT_MODEL, SpeechClient
from dragoman.client.wav import WavWriter

_READ_BYTES = 65_536
_ENCODED = {".mp3": "mp3", ".opus": "opus", ".ogg": "opus"}
"""Suffixes of encoded formats."""
_UNSUPPORTED = frozenset({".aac", ".aiff", ".amr", ".au", ".flac", ".m4a", ".pcm", ".raw", ".webm"})
"""Suffixes of formats that no server has; a WAV of that name would mislead."""


class _SayRequest(NamedTuple):
    url: str
    model: str
    api_key: str | None
    output: str
    sample_rate_hz: int
    settings: dict[str, Any]


def say(
    text: Annotated[
        str | None, typer.Argument(help="What to say. Left out or '-': read from standard input.")
    ] = None,
    *,
    output: Annotated[
        str,
        typer.Option("--output", "-o", help="WAV, MP3, OPUS or OGG to write, '-' for stdout."),
    ] = "speech.wav",
    voice: Annotated[str | None, typer.Option(help="Name of a voice, e.g. Cherry.")] = None,
    model: Annotated[str, typer.Option(help="Model name.")] = DEFAULT_MODEL,
    url: Annotated[
        str, typer.Option(help="Address of the server.", envvar="DRAGOMAN_URL")
    ] = LOCAL_URL,
    api_key: Annotated[
        str | None, typer.Option(help="API key; default: DASHSCOPE_API_KEY.", show_default=False)
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="Language of the text, e.g. English or Auto.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.5, max=2.0, help="Speaking rate; 1 is natural.")
    ] = None,
    pitch: Annotated[float | None, typer.Option(min=0.5, max=2.0, help="Pitch.")] = None,
    volume: Annotated[int | None, typer.Option(min=0, max=100, help="Volume.")] = None,
    sample_rate: Annotated[
        int, typer.Option(min=8000, max=48_000, help="Samples per second.")
    ] = 24_000,
) -> None:
    """Speak a text and write the speech to a file."""
    encoded = _encoding(output)
    settings = {
        "voice": voice,
        "mode": "commit" if encoded else "server_commit",
        "language_type": language,
        "response_format": encoded or "pcm",
        "sample_rate": sample_rate,
        "speech_rate": rate,
        "pitch_rate": pitch,
        "volume": volume,
    }
    request = _SayRequest(url, model, api_key, output, sample_rate, settings)
    source: str | AsyncIterator[str] = typed_text() if text is None or text == "-" else text
    if isinstance(source, str) and not source.strip():
        _usage("there is nothing to say: the text is empty")
    try:
        spoken = asyncio.run(_run(request, source))
    except (ClientError, OSError) as failure:
        complain(explain(failure, url))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        complain("stopped")
        raise typer.Exit(130) from None
    if not spoken:
        complain("nothing was spoken: the text holds no words")
        raise typer.Exit(1)


def _encoding(output: str) -> str | None:
    suffix = Path(output).suffix.lower()
    if suffix in _UNSUPPORTED:
        _usage(f"{suffix} files cannot be written, only .wav, .mp3, .opus and .ogg")
    return _ENCODED.get(suffix)


def _usage(text: str) -> NoReturn:
    complain(text)
    raise typer.Exit(2)


async def _run(request: _SayRequest, source: str | AsyncIterator[str]) -> bool:
    notes = Console(stderr=True, highlight=False)
    async with SpeechClient(request.url, model=request.model, api_key=request.api_key) as client:
        await client.update(**request.settings)
        if not isinstance(source, str) and sys.stdin.isatty():
            notes.print("Type what to say; Ctrl-D ends.", style="dim")
        encoded = request.settings["response_format"] != "pcm"
        file = (
            EncodedFile(request.output)
            if encoded
            else WavWriter(request.output, request.sample_rate_hz)
        )
        with file as sink, Status("speaking …", console=notes) as status:
            async for data in client.speak(source):
                sink.write(data)
                status.update(f"speaking … {_length(sink)}")
        first_ms = client.first_audio_ms
    if first_ms is not None:
        where = "standard output" if request.output == "-" else request.output
        notes.print(
            f"First audio after {first_ms:.0f} ms; {_length(sink)} of speech written to {where}.",
            markup=False,
            soft_wrap=not is_terminal(),
        )
    return bool(sink.written_ms if isinstance(sink, WavWriter) else sink.written)


class EncodedFile:
    """Writes an encoded stream to a file. ``written``: bytes so far."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.written = 0

    def __enter__(self) -> Self:
        self._file = Path(self._path).open("wb")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: bytes) -> None:
        """Write the next bytes of the stream."""
        self._file.write(data)
        self.written += len(data)


def _length(sink: WavWriter | EncodedFile) -> str:
    if isinstance(sink, WavWriter):
        return f"{sink.written_ms / 1000:.2f} s"
    return f"{sink.written / 1000:.0f} kB"


async def typed_text() -> AsyncIterator[str]:
    """Standard input as text, piece by piece as it arrives; broken UTF-8 is replaced."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[str | OSError | None] = asyncio.Queue(maxsize=1)
    stopped = threading.Event()

    take = _reader()

    def hand_over(piece: str | OSError | None) -> None:
        asyncio.run_coroutine_threadsafe(pieces.put(piece), loop).result()

    def read() -> None:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        try:
            while data := take():
                if stopped.is_set():
                    return
                if text := decoder.decode(data):
                    hand_over(text)
            hand_over(decoder.decode(b"", final=True))
            hand_over(None)
        except OSError as failure:
            hand_over(failure)
        except (RuntimeError, CancelledError):
            pass  # The event loop has ended.

    # A daemon thread, because a blocked read of a terminal cannot be interrupted.
    threading.Thread(target=read, name="stdin", daemon=True).start()
    try:
        while (piece := await pieces.get()) is not None:
            if isinstance(piece, OSError):
                raise piece
            yield piece
    finally:
        stopped.set()


def _reader() -> Callable[[], bytes]:
    """A function that reads what has arrived, at least one byte; b"" at the end."""
    try:
        number = sys.stdin.fileno()
    except (OSError, ValueError):
        # Standard input without a file, as in tests.
        return lambda: sys.stdin.buffer.readline(_READ_BYTES)
    # Not through the buffer, whose lock a blocked thread would hold when Python exits.
    return lambda: os.read(number, _READ_BYTES)
