"""``realtime-asr``: a streaming recogniser behind a WebSocket, in one of six dialects.

Scope: options and self-description. Each turn is a connection of its own (``stream``); the dialects
are in files of their own. What it was built after, its limits and what a connection for each turn
costs: docs/engines/realtime-asr.md.
"""

from __future__ import annotations

from typing import Literal
from weakref import WeakSet

from dragoman.engines.base import EngineUnavailable, Info, Recognition
from dragoman.engines.realtime_asr.deepgram import DeepgramTurn
from dragoman.engines.realtime_asr.nim import NimTurn
from dragoman.engines.realtime_asr.openai import OpenAiTurn
from dragoman.engines.realtime_asr.qwen import QwenTurn
from dragoman.engines.realtime_asr.sglang import SglangTurn
from dragoman.engines.realtime_asr.shape import AsrServer, TurnDialect
from dragoman.engines.realtime_asr.stream import RealtimeTurn
from dragoman.engines.realtime_asr.vllm import VllmTurn
from dragoman.engines.shared.endpoint_key import key_from
from dragoman.engines.shared.websocket_link import (
    KeepAlive,
    WebSocketLink,
    checked_address,
)
from dragoman.speech import Hints

_KEEP_ALIVE_S = 4.0
"""Deepgram closes after 10 s without audio and wants a sign every 3 to 5 s."""

_DIALECTS: dict[str, type[TurnDialect]] = {
    "openai": OpenAiTurn,
    "deepgram": DeepgramTurn,
    "nim": NimTurn,
    "vllm": VllmTurn,
    "sglang": SglangTurn,
    "qwen": QwenTurn,
}


class RealtimeAsr:
    """``Recognizer`` that streams every turn to a server.

    ``key_env`` names the environment variable with the API key. ``languages`` are those that the
    server knows, ``language`` what it is told when a client declares none, ``locales`` how it calls
    languages (``en-US;de-DE``). ``final_s`` is how long the final text of a turn may take.
    """

    def __init__(
        self,
        *,
        url: str = "",
        shape: Literal["openai", "deepgram", "nim", "vllm", "sglang", "qwen"] = "openai",
        model: str = "",
        key_env: str = "",
        languages: tuple[str, ...] = ("*",),
        language: str = "",
        locales: tuple[str, ...] = (),
        connect_s: float = 5.0,
        final_s: float = 8.0,
    ) -> None:
        self._dialect = _DIALECTS[shape]
        self._url, self._model, self._key_env = url, model, key_env
        self._languages, self._language = tuple(languages), language
        self._locales = {locale.split("-")[0].lower(): locale for locale in locales}
        self._connect_s, self._final_s = connect_s, final_s
        self._server: AsrServer | None = None
        self._open = WeakSet[WebSocketLink]()

    @property
    def info(self) -> Info:
        """Self-description."""
        return Info(
            name="realtime-asr",
            role="asr",
            licence="as the server's",
            quality="good",
            languages=self._languages,
            remote=True,
            about="A streaming recogniser behind a WebSocket: OpenAI, Deepgram, Qwen, NIM, vLLM",
        )

    def load(self) -> None:
        """Look at the options; the server is asked when somebody speaks."""
        url = checked_address("realtime-asr", self._url)
        if self._dialect is VllmTurn and not self._model:
            raise EngineUnavailable("Say which model vLLM serves: realtime-asr?...&model=NAME")
        key = key_from(self._key_env, "realtime-asr")
        self._server = AsrServer(url, self._model, key, self._language, self._locales)

    def close(self) -> None:
        """Close the connections of turns that are open."""
        self._server = None
        for link in list(self._open):
            link.close()

    def start(self, language: str | None, hints: Hints) -> Recognition:
        """See ``Recognizer``."""
        if self._server is None:
            raise EngineUnavailable("The engine realtime-asr is not loaded.")
        dialect = self._dialect(self._server, language, hints)
        return RealtimeTurn(dialect, self._connect, final_s=self._final_s)

    def _connect(self, dialect: TurnDialect) -> WebSocketLink:
        sign = dialect.keep_alive
        link = WebSocketLink(
            dialect.address,
            dialect.headers,
            connect_s=self._connect_s,
            keep_alive=None if sign is None else KeepAlive(_KEEP_ALIVE_S, sign),
        )
        self._open.add(link)
        return link
