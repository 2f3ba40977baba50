"""The HTTP routes and the WebSocket handshake: ``/health``, ``/metrics``, the paths of the APIs.

Scope: routing and handshakes. A handshake is refused by an ordinary HTTP answer with the documented
JSON body, before the WebSocket is accepted; after that the session owns the socket. Every answer is
JSON (except the metrics), also for unknown paths.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from dragoman.protocol.registry import APIS
from dragoman.server.admission import Refusal, admit
from dragoman.server.connection import Accepted
from dragoman.server.lifecycle import Lifecycle
from dragoman.server.metrics import CONTENT_TYPE

LOG = logging.getLogger("dragoman.server")

MAX_MODEL_CHARS = 256
_MODEL = re.compile(r"(?:^|[?&])model=([^&#?]*)")

ServeSession = Callable[[Lifecycle, Accepted], Awaitable[None]]
"""Runs a session over an accepted WebSocket until it is closed."""


def model_in(query: bytes) -> str:
    """The model that a query string names: the last one, as SDKs only concatenate.

    A base URL with a query of its own gives ``x=1?model=NAME``, which works on the cloud too.
    Without any: the empty string.
    """
    found = _MODEL.findall(query.decode("ascii", "replace"))
    return unquote(found[-1])[:MAX_MODEL_CHARS] if found else ""


def create_app(lifecycle: Lifecycle, serve_session: ServeSession) -> Starlette:
    """The ASGI application of one server; engines load when its lifespan begins."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(lifecycle.load(), name="load"),
            asyncio.create_task(lifecycle.metrics.probe_lag(), name="lag"),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await lifecycle.engines.close()

    paths = dict.fromkeys(path for api in APIS for path in api.paths)
    sockets = {path: _SessionSocket(lifecycle, serve_session, path) for path in paths}
    app = Starlette(
        routes=[
            Route("/health", _health, methods=["GET"]),
            Route("/metrics", _metrics, methods=["GET"]),
            *(Route(path, _websocket_only) for path in paths),
            *(WebSocketRoute(path + end, sockets[path]) for path in paths for end in ("", "/")),
            WebSocketRoute("/{path:path}", _UnknownSocket()),
        ],
        exception_handlers={HTTPException: _as_json},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.lifecycle = lifecycle
    return app


# ---------------------------------------------------------------- plain HTTP
def _json(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    content = msgspec.json.encode(body)
    return Response(content, status, {"content-type": "application/json", **(headers or {})})


def refuse(refusal: Refusal) -> Response:
    """The HTTP answer for a refusal. The body of a 401 has exactly the cloud's 114 bytes."""
    request_id = str(uuid.uuid4())
    body = {"code": refusal.code, "message": refusal.message, "request_id": request_id}
    headers = {"x-request-id": request_id}
    if refusal.retry_after_s is not None:
        headers["retry-after"] = str(refusal.retry_after_s)
    return _json(refusal.status, body, headers)


async def _health(request: Request) -> Response:
    lifecycle: Lifecycle = request.app.state.lifecycle
    status = 200 if lifecycle.state == "ready" else 503
    return _json(status, lifecycle.health(), {"cache-control": "no-store"})


async def _metrics(request: Request) -> Response:
    lifecycle: Lifecycle = request.app.state.lifecycle
    return Response(await lifecycle.metrics_page(), media_type=CONTENT_TYPE)


async def _websocket_only(_: Request) -> Response:
    message = "This address takes WebSocket connections only."
    response = refuse(Refusal(426, "UpgradeRequired", message))
    response.headers["upgrade"] = "websocket"
    return response


async def _as_json(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code, message = _HTTP_ERRORS.get(status, ("BadRequest", "The request cannot be served."))
    return refuse(Refusal(status, code, message))


_HTTP_ERRORS = {
    404: ("NotFound", "There is nothing at this address."),
    405: ("MethodNotAllowed", "This address does not take this method."),
}


# ---------------------------------------------------------------- the WebSocket
class _SessionSocket:
    """An ASGI application (a class, so that Starlette does not wrap the socket)."""

    def __init__(self, lifecycle: Lifecycle, serve_session: ServeSession, path: str) -> None:
        self._lifecycle = lifecycle
        self._serve_session = serve_session
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        admitted = admit(self._lifecycle, Headers(scope=scope))
        if isinstance(admitted, Refusal):
            self._lifecycle.metrics.refused.labels(str(admitted.status)).inc()
            LOG.info("handshake refused: %d %s", admitted.status, admitted.code)
            await _deny(admitted, scope, receive, send)
            return
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        model = model_in(scope["query_string"])
        accepted = Accepted(self._path, model, admitted, scope, receive, send)
        await self._serve_session(self._lifecycle, accepted)


class _UnknownSocket:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _deny(Refusal(404, *_HTTP_ERRORS[404]), scope, receive, send)


async def _deny(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    await receive()  # websocket.connect
    await refuse(refusal)(scope, receive, send)
