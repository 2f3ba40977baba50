"""One session of the demo: a recording through the unmodified official SDK.

Scope: the program that a user of the SDK would write. The SDK calls back in a thread of its own; a
bounded queue carries the events to this thread, which shows them between two chunks of audio.
Captions, WAV and latencies are those of ``dragoman translate``.
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import queue
from pathlib import Path
from typing import Any

from rich.console import Console

from dragoman.cli.captions import Captions
from dragoman.cli.screen import CaptionScreen, EventSink
from dragoman.client.errors import ClientError, ConnectionLost
from dragoman.client.event_log import EventLog
from dragoman.client.event_reader import EventReader
from dragoman.client.events import Event, Problem, SessionChanged, SessionEnded
from dragoman.client.interpretation import OUTPUT_RATE_HZ
from dragoman.client.media import SoundChunk
from dragoman.client.wav import WavWriter
from dragoman.engines.shared.model_files import pip_install

_ASR_MODEL = "qwen3-asr-flash-realtime"
_QUEUE = 10_000
_FINISH_TIMEOUT_S = 120.0

_Arrival = tuple[float, dict[str, Any] | None]


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


class DemoSession:
    """One conversation, from the first chunk to ``session.finished``. ``source`` is None where the
    server is to find out what is spoken.
    """

    def __init__(
        self, url: str, model: str, source: str | None, target: str, *, paced: bool
    ) -> None:
        self._url = url
        self._model = model
        self._source = source
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
                CaptionScreen(Captions(self._source, self._target), whole_ms, console)
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
        more = {}
        if self._source is not None:  # the SDK's own transcription_params would drop the model
            more["input_audio_transcription"] = {"model": _ASR_MODEL, "language": self._source}
        conversation.update_session(
            output_modalities=[sdk.MultiModality.TEXT, sdk.MultiModality.AUDIO],
            enable_input_audio_transcription=True,
            input_audio_transcription_model=_ASR_MODEL,
            translation_params=sdk.TranslationParams(language=self._target),
            **more,
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
