"""The HTTP client of every engine that asks a model server.

Scope: one blocking client for an OpenAI-compatible (or similar) server: JSON or a form goes there;
JSON, bytes or server-sent events come back, streamed. Engines that use it run in threads. What a
server is asked belongs to the engine.

* The key comes from an environment variable that an option names; it goes to the given address
  only: redirects are failures.
* A request is made a second time, once, where that cannot do harm: no byte of an answer came (no
  connection, or a kept one that the server had closed), or the server has too much to do and says
  how soon to ask again (``EndpointLimits.retry_after_s`` at most).
* Closing an answer early, or cancelling it from another thread, closes its connection: that is how
  a model server learns to stop generating.
* Failures are those of ``endpoint_errors``; their texts hold no content and no key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from dragoman.engines.base import EngineUnavailable
from dragoman.engines.cancellation import Cancellation
from dragoman.engines.shared.endpoint_errors import (
    NO_JSON,
    EndpointFailed,
    EndpointLimits,
    EndpointNonsense,
    EndpointRefused,
    EndpointUnreachable,
)
from dragoman.engines.shared.endpoint_key import key_from

if TYPE_CHECKING:
    import httpcore

    from dragoman.engines.shared.http_connections import Connections, Exchange

Files = Mapping[str, tuple[str, bytes, str]]
"""The files of a form: field to file name, content, media type."""

_PAUSE_S = 0.1
"""Before a request is repeated that met no server."""


class Endpoint:
    """A model server at ``url``, for instance ``http://gpu:8000/v1``; paths are put behind it.

    ``engine`` is the engine's name, for messages. ``key_env`` names the environment variable that
    holds the key, sent as a bearer token; empty: none. Raises ``ValueError`` for an address that is
    none.
    """

    def __init__(
        self,
        engine: str,
        url: str,
        *,
        key_env: str = "",
        limits: EndpointLimits | None = None,
    ) -> None:
        self._engine = engine
        self._url = url.rstrip("/")
        self._key_env = key_env
        self._limits = limits or EndpointLimits()
        self._origin = _origin(url) if url else ""
        self._headers: dict[str, str] = {}
        self._connections: Connections | None = None

    # ------------------------------------------------------------ life
    def open(self) -> None:
        """Get ready; nothing is asked yet. Again: no effect. Raises ``EngineUnavailable``."""
        if self._connections is not None:
            return
        if not self._url:
            example = f"{self._engine}?url=http://127.0.0.1:8000/v1"
            raise EngineUnavailable(
                f"Give the engine the address of a server: {example}. A profile takes it from "
                "DRAGOMAN_ASR_URL, DRAGOMAN_MT_URL or DRAGOMAN_TTS_URL; `dragoman doctor` tells."
            )
        try:  # an extra: without it the engine is listed, with what it needs
            from dragoman.engines.shared.http_connections import Connections  # noqa: PLC0415
        except ImportError:
            raise EngineUnavailable(
                f"{self._engine} needs the extra endpoints: pip install 'dragoman[endpoints]'"
            ) from None
        key = key_from(self._key_env, self._engine)
        self._headers = {"user-agent": "dragoman", "accept-encoding": "identity"}
        self._headers |= {"authorization": f"Bearer {key}"} if key else {}
        self._connections = Connections(self._url, self._origin, self._limits)

    def close(self) -> None:
        """End every connection; harmless when there are none."""
        connections, self._connections = self._connections, None
        if connections is not None:
            connections.close()

    def check(self) -> tuple[str, ...]:
        """See whether a server is there: the names of its models (``GET models``), none if it does
        not tell. Raises ``EngineUnavailable`` with what to mend.
        """
        try:
            with self.request("GET", "models") as answer:
                return _model_names(answer.json())
        except EndpointRefused as refused:
            if refused.status in {401, 403}:
                raise EngineUnavailable(
                    f"{self._engine}: {self._origin} does not accept the key. Name the environment "
                    f"variable that holds it: {self._engine}?url=...&key_env=NAME"
                ) from None
            if refused.kind == "refused" and refused.status >= 400:
                return ()  # a server without that page
            raise EngineUnavailable(f"{self._engine}: {refused}.") from None
        except EndpointNonsense:
            return ()
        except EndpointFailed as failed:
            raise EngineUnavailable(
                f"{self._engine}: {failed}. Start the model server, or mend the option url."
            ) from None

    def websocket(self, path: str) -> tuple[str, Mapping[str, str]]:
        """The address of a WebSocket of this server, and the headers that it wants."""
        return f"ws{self._url.removeprefix('http')}/{path}", self._headers

    # ------------------------------------------------------------ requests
    def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        form: Mapping[str, str | list[str]] | None = None,
        files: Files | None = None,
        cancellation: Cancellation | None = None,
    ) -> Answer:
        """Send a request and wait for the head of its answer, to be used in a ``with`` statement.

        ``json`` is encoded with msgspec; ``form`` and ``files`` become a multipart form. Raises
        ``EndpointFailed``, and ``RequestCancelled`` when ``cancellation`` is cancelled (then the
        methods of the answer do, too).
        """
        content: dict[str, Any] = {"data": form, "files": files}
        headers = self._headers
        if json is not None:
            content = {"content": msgspec.json.encode(json)}
            headers = {**headers, "content-type": "application/json"}
        if self._connections is None:
            raise EngineUnavailable(f"The engine {self._engine} is not loaded.")
        exchange = self._connections.exchange()
        with ExitStack() as stack:
            if cancellation is not None:
                stack.enter_context(cancellation.stops(exchange.stop))
            request = partial(
                self._connections.send, exchange, method, f"{self._url}/{path}", headers, content
            )
            answer = self._send(exchange, request)
            answer.close_with(stack.pop_all())
            return answer

    def _send(self, exchange: Exchange, request: Callable[[], httpcore.Response]) -> Answer:
        """The answer, asked for at most twice."""
        try:
            return self._accepted(exchange, request())
        except EndpointUnreachable as failed:
            if failed.answered:
                raise
            exchange.sleep(_PAUSE_S)
        except EndpointRefused as refused:
            pause_s = refused.retry_after_s
            overloaded = refused.kind == "overloaded"
            if not overloaded or pause_s is None or pause_s > self._limits.retry_after_s:
                raise
            exchange.sleep(pause_s)
        return self._accepted(exchange, request())

    def _accepted(self, exchange: Exchange, response: httpcore.Response) -> Answer:
        answer = Answer(exchange, response)
        if response.status // 100 != 2:
            answer.close()
            raise EndpointRefused(self._origin, response.status, answer.retry_after_s)
        return answer


class Answer(AbstractContextManager["Answer"]):
    """An answer whose head has come. One thread at a time; whoever leaves the ``with`` statement
    before the end closes the connection. Its methods raise ``EndpointFailed``.
    """

    def __init__(self, exchange: Exchange, response: httpcore.Response) -> None:
        self._exchange = exchange
        self._response = response
        self._headers = {name.lower(): value for name, value in response.headers}
        self._closing = ExitStack()

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close_with(self, more: ExitStack) -> None:
        """What else ends with the answer."""
        self._closing.push(more)

    def close(self) -> None:
        """Free the connection: for the next request after the whole answer, else by closing it."""
        with self._closing, self._exchange:
            self._response.close()

    @property
    def content_type(self) -> str:
        """The media type in small letters, without parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def retry_after_s(self) -> float | None:
        """In how many seconds the server wants to be asked again, if it says so."""
        text = self.header("retry-after").strip()
        return float(text) if re.fullmatch(r"\d{1,6}(\.\d{1,3})?", text) else None

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes."""
        if self.header("content-encoding").strip() not in {"", "identity"}:
            raise EndpointNonsense(f"{self._exchange.origin} sent a compressed answer unasked")
        left, body = self._exchange.limits.answer_bytes, self._response.iter_stream()
        while (piece := self._next(body)) is not None:
            self._exchange.has_body = True
            left -= len(piece)
            if left < 0:
                most = self._exchange.limits.answer_bytes
                raise EndpointNonsense(f"{self._exchange.origin} sent more than {most} bytes")
            yield piece

    def _next(self, body: Iterator[bytes]) -> bytes | None:
        with self._exchange.plain_errors(), self._exchange:
            return next(body, None)

    def json(self) -> Any:
        """The whole body, decoded."""
        body = b"".join(self.pieces())
        try:
            return msgspec.json.decode(body)
        except NO_JSON:
            raise EndpointNonsense(f"{self._exchange.origin} answered with no JSON") from None

    def events(self) -> Iterator[str]:
        """The data of server-sent events, each as it comes; that of the end (``[DONE]``), too.

        Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
        """
        if self.content_type != "text/event-stream":
            raise EndpointNonsense(f"{self._exchange.origin} sent no stream of events")
        data: list[str] = []
        for line in self._lines():
            if line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))
            elif not line and data:
                yield "\n".join(data)
                data = []
        if data:  # some servers leave out the empty line at the end
            yield "\n".join(data)

    def _lines(self) -> Iterator[str]:
        rest = bytearray()  # grows in place: a line may come in a million pieces
        for piece in self.pieces():
            *lines, last = piece.split(b"\n")
            for line in lines:
                rest += line
                yield rest.rstrip(b"\r").decode("utf-8", "replace")
                rest.clear()
            rest += last
        if rest:
            yield rest.decode("utf-8", "replace")

    def header(self, name: str) -> str:
        """A header of the answer, by its name in small letters; empty without it."""
        return self._headers.get(name.encode(), b"").decode("latin-1")


def extra_fields(text: str) -> dict[str, Any]:
    """The option ``extra`` of an engine: more fields for its requests. Raises ``ValueError``."""
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, Any])
    except msgspec.DecodeError:
        raise ValueError('extra is a JSON object of request fields, such as {"seed":7}') from None


def _origin(url: str) -> str:
    """Scheme, host and port. Raises ``ValueError``."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("url is an address such as http://127.0.0.1:8000/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("url holds no user, password, query or fragment; a key goes to key_env")
    return f"{parts.scheme}://{parts.netloc}"


def _model_names(listed: Any) -> tuple[str, ...]:
    models = listed.get("data") if isinstance(listed, dict) else None
    entries = models if isinstance(models, list) else []
    return tuple(
        entry["id"]
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("id"), str)
    )
