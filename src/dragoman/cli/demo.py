"""``dragoman demo``: interprets a recording live, with the official SDK and a server of its own.

Scope: the program that a user of the SDK would write, plus starting and stopping the server. The
SDK is unmodified; only the URL differs from a program for the cloud.

The SDK calls back in a thread of its own; a bounded queue carries the events to this thread, which
shows them between two chunks of audio. Captions, WAV and latencies are those of ``dragoman
translate``.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import importlib
import importlib.util
import queue
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from dragoman.cli.captions import Captions
from dragoman.cli.screen import CaptionScreen, EventSink, closing_lines, complain
from dragoman.cli.spawn import ServerFailed, running_server
from dragoman.cli.why import explain
from dragoman.client.errors import ClientError, ConnectionLost
from dragoman.client.event_log import EventLog
from dragoman.client.event_reader import EventReader
from dragoman.client.events import Event, Problem, SessionChanged, SessionEnded
from dragoman.client.interpretation import DEFAULT_MODEL, OUTPUT_RATE_HZ
from dragoman.client.media import CHUNK_MS, MediaFile, SoundChunk
from dragoman.client.wav import WavWriter
from dragoman.engines.shared.model_catalogue import MODELS
from dragoman.engines.shared.model_files import pip_install

_QUEUE = 10_000
_FINISH_TIMEOUT_S = 120.0
_DISCLAIMER = (
    "The translation is rule-based and gives the gist; the voice is a robotic formant voice. "
    "The demo shows the protocol and the timing. Better engines can be plugged in."
)

_Arrival = tuple[float, dict[str, Any] | None]


def demo(
    *,
    file: Annotated[
        Path | None, typer.Option(help="Another recording (any audio or video file).")
    ] = None,
    to: Annotated[str, typer.Option("--to", help="Language to translate into.")] = "es",
    model: Annotated[str, typer.Option(help="Model name.")] = DEFAULT_MODEL,
    seconds: Annotated[
        float | None, typer.Option(min=1.0, help="Only the first seconds of the recording.")
    ] = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", "--fast", help="Faster than real time.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for the translated speech.")] = Path("out"),
    url: Annotated[
        str | None, typer.Option(help="Use this server instead of starting one.")
    ] = None,
    engines: Annotated[
        str | None, typer.Option(help="Engines of the server that is started.")
    ] = None,
) -> None:
    """Interpret a recording live, through the official SDK."""
    console = Console(highlight=False)
    try:
        recording = file or dickens()
        sounds, whole_ms = asyncio.run(_load(recording, seconds))
        with contextlib.ExitStack() as stack:
            address = url or stack.enter_context(running_server(console, engines))
            session = _DemoSession(address, model, to, paced=not no_wait)
            console.print(f"[dim]{recording.name}, {whole_ms / 1000:.0f} s, to {to}, {model}\n")
            wav_path = out / f"demo-{to}.wav"
            session.run(sounds, whole_ms, console, wav_path)
            _report(console, session, whole_ms, wav_path, paced=not no_wait)
            if url is None and engines in {None, "embedded"}:
                console.print(f"[dim]{_DISCLAIMER}", soft_wrap=not console.is_terminal)
    except (ClientError, ServerFailed, OSError) as failure:
        complain(explain(failure, url or ""))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        complain("stopped")
        raise typer.Exit(130) from None


def dickens() -> Path:
    """The reading of "A Tale of Two Cities" in the ``moonshine_voice`` wheel, not imported.

    Raises:
        ClientError: the wheel is not installed.

    """
    spec = importlib.util.find_spec("moonshine_voice")
    folders = [] if spec is None else spec.submodule_search_locations or []
    for folder in folders:
        found = sorted(Path(folder).glob("assets/*two_cities*.wav"))
        if found:
            return found[0]
    package = MODELS["moonshine-tiny-en"].requirements
    raise ClientError(
        f"the recording is missing: install it with `{pip_install(*package)}`, "
        "or name a file of your own with --file"
    )


async def _load(path: Path, seconds: float | None) -> tuple[list[SoundChunk], float]:
    """The recording as chunks, and its length in ms."""
    sounds: list[SoundChunk] = []
    async with MediaFile(path) as media:
        async for piece in media:
            if isinstance(piece, SoundChunk):
                sounds.append(piece)
            if seconds is not None and len(sounds) * CHUNK_MS >= seconds * 1000:
                break
    return sounds, sounds[-1].media_ms


def _conversation(url: str, model: str, arrivals: queue.Queue[_Arrival], log: EventLog) -> Any:
    """The SDK's conversation; its events go into the queue with their arrival time."""
    try:
        sdk = importlib.import_module("dashscope.audio.qwen_omni")
    except ImportError:
        raise ClientError(
            f"the official SDK is missing: install it with `{pip_install('dashscope>=2.0.2')}`"
        ) from None

    class Arrivals(sdk.OmniRealtimeCallback):  # type: ignore[misc,name-defined]  # loaded late
        def on_event(self, message: Any) -> None:
            arrivals.put((log.now_ms(), message))

        def on_close(self, close_status_code: object, close_msg: object) -> None:
            arrivals.put((log.now_ms(), None))

    return sdk.OmniRealtimeConversation(model=model, url=url, callback=Arrivals(), api_key="any")


class _DemoSession:
    """One conversation, from the first chunk to ``session.finished``."""

    def __init__(self, url: str, model: str, target: str, *, paced: bool) -> None:
        self._url = url
        self._model = model
        self._target = target
        self._paced = paced
        self._log = EventLog()
        self._arrivals: queue.Queue[_Arrival] = queue.Queue(_QUEUE)
        self._reader = EventReader()
        self._sink: EventSink | None = None
        self._accepted = False
        self._finished = False

    @property
    def sink(self) -> EventSink:
        """Where events go; exists once ``run`` has begun."""
        assert self._sink is not None
        return self._sink

    def run(self, sounds: list[SoundChunk], whole_ms: float, console: Console, wav: Path) -> None:
        """Send the recording and show what comes back."""
        conversation = _conversation(self._url, self._model, self._arrivals, self._log)
        try:
            conversation.connect()
        except TimeoutError:
            raise ConnectionLost(1006, f"{self._url} does not answer") from None
        with contextlib.ExitStack() as stack:
            stack.callback(conversation.close)
            voice = stack.enter_context(WavWriter(wav, OUTPUT_RATE_HZ))
            screen = stack.enter_context(
                CaptionScreen(Captions("en", self._target), whole_ms, console)
            )
            self._sink = EventSink(screen, self._log, voice, timeline=self._paced)
            self._configure(conversation)
            self._log.start()
            for sound in sounds:
                self._take_until(sound.media_ms if self._paced else 0.0)
                conversation.append_audio(base64.b64encode(sound.pcm).decode())
                screen.progress(sound.media_ms)
            conversation.end_session_async()
            limit_ms = self._log.now_ms() + _FINISH_TIMEOUT_S * 1000
            self._take_until(limit_ms, to_the_end=True)
            if not self._finished:
                raise ConnectionLost(1006, "the server did not finish the session")

    def _configure(self, conversation: Any) -> None:
        sdk = importlib.import_module("dashscope.audio.qwen_omni.omni_realtime")
        conversation.update_session(
            output_modalities=[sdk.MultiModality.TEXT, sdk.MultiModality.AUDIO],
            enable_input_audio_transcription=True,
            input_audio_transcription_model="qwen3-asr-flash-realtime",
            translation_params=sdk.TranslationParams(language=self._target),
        )
        limit_ms = self._log.now_ms() + 10_000
        while not self._accepted and self._log.now_ms() < limit_ms:
            self._take_one(limit_ms)
        if not self._accepted:
            raise ConnectionLost(1006, "the server did not accept the settings in time")

    def _take_until(self, due_ms: float, *, to_the_end: bool = False) -> None:
        """Handle events until this time, or until the session has finished."""
        while self._take_one(due_ms) and not (to_the_end and self._finished):
            pass

    def _take_one(self, due_ms: float) -> bool:
        """Handle one event if one comes before this time; False once the time has come."""
        wait_s = max(0.0, due_ms - self._log.now_ms()) / 1000
        try:
            at_ms, raw = (
                self._arrivals.get(timeout=wait_s) if wait_s else self._arrivals.get_nowait()
            )
        except queue.Empty:
            return False
        if raw is None:
            if not self._finished:
                raise ConnectionLost(1006, "the server closed the connection")
            return True
        for event in self._reader.feed(raw):
            self._apply(at_ms, event)
        return True

    def _apply(self, at_ms: float, event: Event) -> None:
        match event:
            case SessionChanged() if event.raw.get("type") == "session.updated":
                self._accepted = True
            case SessionEnded():
                self._finished = True
            case Problem() if event.fatal or not self._accepted:
                raise event.as_error()
        self.sink.take(at_ms, event)


def _report(
    console: Console, session: _DemoSession, whole_ms: float, wav: Path, *, paced: bool
) -> None:
    found = session.sink.latency.summary(whole_ms)
    console.print()
    if paced:
        console.print("[bold]Measured at the client, sent in real time:")
        for line in closing_lines(found):
            console.print(line, markup=False, soft_wrap=True)
    else:
        console.print("[dim]Sent faster than real time: no latencies.")
    player = next((name for name in ("ffplay", "aplay", "afplay") if shutil.which(name)), None)
    play = f"{player} {wav}" if player else "any audio player opens it"
    console.print(
        f"[bold]Saved:[/bold] {wav.resolve()} ({found.voice_ms / 1000:.1f} s of speech)",
        soft_wrap=True,
    )
    console.print(f"[bold]Listen:[/bold] {play}", soft_wrap=True)
