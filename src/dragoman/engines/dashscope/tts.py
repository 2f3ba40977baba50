"""``dashscope-tts``: the voices of the cloud, or of another Dragoman.

Scope: text segments to PCM over the realtime synthesis protocol, in ``commit`` mode: one segment is
one response. A session keeps its settings, so one that has spoken is kept for the next segment with
the same voice and settings, ``_IDLE_S`` at most; that saves the handshake. If a kept one turns out
to be dead before its first sound, the segment is spoken by a new one. Closing the iterator closes
the connection, which ends the work upstream.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import msgspec
import pybase64

from dragoman.audio.pcm import WholeSamples
from dragoman.engines.base import Caps, Control, EngineUnavailable, Info, Utterance
from dragoman.engines.dashscope.upstream import (
    KEY_VARIABLE,
    Upstream,
    UpstreamLink,
    error_of,
    text_in,
    upstream,
)
from dragoman.engines.shared.endpoint_errors import EndpointFailed, EndpointTimedOut
from dragoman.text.language_names import language_name

_RATE_HZ = 24_000
_APPEND_CHARS = 900
"""The cloud is said to take 2,000 characters in one append, Han characters counted twice."""
_IDLE_S, _MOST_IDLE = 20.0, 8
_NAMED = frozenset({"zh", "en", "de", "it", "pt", "es", "ja", "ko", "fr", "ru"})
"""Languages that the protocol has names for; others are ``Auto``."""


class VoiceSettings(msgspec.Struct, frozen=True):
    """What a session speaks with; the names are those of the wire."""

    voice: str
    language_type: str
    speech_rate: float
    pitch_rate: float
    volume: int
    instructions: str | None


class _KeptSessions:
    """Sessions that wait for a next segment, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[tuple[float, VoiceSettings, UpstreamLink]] = []

    def take(self, settings: VoiceSettings) -> UpstreamLink | None:
        """The youngest with these settings."""
        with self._lock:
            self._drop_old()
            for place in range(len(self._kept) - 1, -1, -1):
                if self._kept[place][1] == settings:
                    return self._kept.pop(place)[2]
        return None

    def put(self, settings: VoiceSettings, link: UpstreamLink) -> None:
        """Keep one; the oldest makes room."""
        with self._lock:
            self._kept.append((time.monotonic(), settings, link))
            self._drop_old()

    def close(self) -> None:
        """Close all."""
        with self._lock:
            for _, _, link in self._kept:
                link.close()
            self._kept.clear()

    def _drop_old(self) -> None:
        oldest_s = time.monotonic() - _IDLE_S
        while self._kept and (self._kept[0][0] < oldest_s or len(self._kept) > _MOST_IDLE):
            self._kept.pop(0)[2].close()


class DashscopeTts:
    """``Synthesizer`` upstream. ``voice`` replaces the one that clients ask for; ``languages`` are
    those that the model speaks. ``answer_s`` is the longest wait for the next piece of sound.
    """

    def __init__(
        self,
        *,
        url: str = "",
        model: str = "qwen3-tts-flash-realtime",
        key_env: str = KEY_VARIABLE,
        voice: str = "",
        languages: tuple[str, ...] = ("*",),
        connect_s: float = 5.0,
        answer_s: float = 8.0,
    ) -> None:
        self._options = (url, model, key_env, connect_s)
        self._model, self._voice, self._languages = model, voice, tuple(languages)
        self._answer_s = answer_s
        self._upstream: Upstream | None = None
        self._kept = _KeptSessions()

    @property
    def info(self) -> Info:
        """Self-description. The classic model has no controls, the ``instruct`` ones have one
        more.
        """
        controls: tuple[Control, ...] = ("rate", "pitch", "volume")
        if self._model.startswith("qwen-tts"):
            controls = ()
        elif "instruct" in self._model:
            controls += ("instructions",)
        return Info(
            name="dashscope-tts",
            role="tts",
            licence="as the service's",
            quality="good",
            languages=self._languages,
            voices=(self._voice or "Cherry",),
            rate_hz=_RATE_HZ,
            caps=Caps(first_sound_s=self._answer_s + 2.0),
            controls=controls,
            remote=True,
            about="The cloud's realtime voices, or another Dragoman's",
        )

    def load(self) -> None:
        """Look at the options. Raises ``EngineUnavailable``."""
        url, model, key_env, connect_s = self._options
        self._upstream = upstream("dashscope-tts", url, model, key_env, connect_s)

    def close(self) -> None:
        """Close the sessions that wait."""
        self._upstream = None
        self._kept.close()

    def synthesize(self, utterance: Utterance) -> Iterator[bytes]:
        """See ``Synthesizer``. Raises ``EndpointFailed``."""
        if self._upstream is None:
            raise EngineUnavailable("The engine dashscope-tts is not loaded.")
        if not any(map(str.isalnum, utterance.text)):
            return
        settings = self._settings(utterance)
        kept = self._kept.take(settings)
        if kept is not None:
            sounded = False
            try:
                for pcm in self._spoken(kept, settings, utterance.text):
                    sounded = True
                    yield pcm
            except EndpointFailed:
                if sounded:
                    raise
            else:
                return
        link = self._upstream.connect()
        link.send("session.update", session=_session(settings, self.info.controls))
        yield from self._spoken(link, settings, utterance.text)

    def _settings(self, utterance: Utterance) -> VoiceSettings:
        tag = utterance.language
        return VoiceSettings(
            voice=self._voice or utterance.voice,
            language_type=(language_name(tag) if tag in _NAMED else None) or "Auto",
            speech_rate=utterance.rate,
            pitch_rate=utterance.pitch,
            volume=utterance.volume,
            instructions=utterance.instructions,
        )

    def _spoken(self, link: UpstreamLink, settings: VoiceSettings, text: str) -> Iterator[bytes]:
        """The sound of one response; keeps the session, or closes it if anything goes wrong."""
        complete = False
        try:
            for start in range(0, len(text), _APPEND_CHARS):
                link.send("input_text_buffer.append", text=text[start : start + _APPEND_CHARS])
            link.send("input_text_buffer.commit")
            yield from self._sound(link)
            complete = True
        finally:
            if complete:
                self._kept.put(settings, link)
            else:
                link.close()

    def _sound(self, link: UpstreamLink) -> Iterator[bytes]:
        samples = WholeSamples()
        ends_s = time.monotonic() + self._answer_s
        while True:
            left_s = ends_s - time.monotonic()
            event = link.receive(left_s) if left_s > 0 else None
            if event is None:
                raise EndpointTimedOut(f"{link.origin} sent no sound for {self._answer_s:g} s")
            match event["type"]:
                case "response.audio.delta":
                    try:
                        pcm = samples.take(pybase64.b64decode(text_in(event, "delta")))
                    except ValueError:
                        raise EndpointFailed(f"{link.origin} sent sound that is none") from None
                    if pcm:
                        yield pcm
                        ends_s = time.monotonic() + self._answer_s
                case "response.done":
                    if text_in(event, "response", "status") == "failed":
                        raise EndpointFailed(f"{link.origin} could not speak a text")
                    return
                case "error":
                    raise error_of(event, link.origin)


def _session(settings: VoiceSettings, controls: tuple[Control, ...]) -> dict[str, object]:
    """The ``session`` of an update; only what the model can do."""
    session: dict[str, object] = {
        "voice": settings.voice,
        "mode": "commit",
        "language_type": settings.language_type,
        "response_format": "pcm",
        "sample_rate": _RATE_HZ,
    }
    if "rate" in controls:
        session["speech_rate"] = settings.speech_rate
        session["pitch_rate"] = settings.pitch_rate
        session["volume"] = settings.volume
    if settings.instructions and "instructions" in controls:
        session["instructions"] = settings.instructions
    return {name: value for name, value in session.items() if value != ""}
