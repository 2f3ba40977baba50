"""The HTTP routes and the WebSocket handshake: health, metrics, tokens and the paths of the APIs.

Scope: routing and handshakes. A handshake is refused by an ordinary HTTP answer with the documented
JSON body, before the WebSocket is accepted; after that the session owns the socket. Every answer is
JSON (except the metrics), also for unknown paths.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from dragoman.protocol.registry import APIS, lookup
from dragoman.server.access.credentials import chosen_subprotocol
from dragoman.server.admission import (
    BAD_HOST,
    BAD_KEY,
    Refusal,
    admit,
    grant_token,
    may_see_details,
)
from dragoman.server.connection import Accepted
from dragoman.server.lifecycle import Lifecycle
from dragoman.server.observability.metrics import CONTENT_TYPE
from dragoman.server.refusals import http_answer

LOG = logging.getLogger("dragoman.server")

TOKENS_PATH = "/api/v1/tokens"
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
            asyncio.create_task(lifecycle.access.keep_fresh(), name="access"),
        ]
        try:
            if lifecycle.opens_when_ready:
                await lifecycle.decided.wait()
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await lifecycle.close()

    paths = dict.fromkeys(path for api in APIS for path in api.paths)
    sockets = {path: _SessionSocket(lifecycle, serve_session, path) for path in paths}
    app = Starlette(
        routes=[
            Route("/health", _health, methods=["GET"]),
            Route("/ready", _ready, methods=["GET"]),
            Route("/metrics", _metrics, methods=["GET"]),
            Route(TOKENS_PATH, _tokens, methods=["POST"]),
            *(Route(path, _websocket_only) for path in paths),
            *(WebSocketRoute(path + end, sockets[path]) for path in paths for end in ("", "/")),
            WebSocketRoute("/{path:path}", _UnknownSocket()),
        ],
        middleware=[Middleware(_HostCheck, lifecycle)],
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
    """The HTTP answer for a refusal."""
    headers, body = http_answer(refusal)
    return Response(body, refusal.status, headers)


async def _health(request: Request) -> Response:
    """Whether the process is well: also while an engine replaces its workers."""
    return _status(request, "ready", "degraded")


async def _ready(request: Request) -> Response:
    """Whether new sessions are welcome."""
    return _status(request, "ready")


def _status(request: Request, *good: str) -> Response:
    lifecycle: Lifecycle = request.app.state.lifecycle
    health = lifecycle.health()
    status = 200 if health["status"] in good else 503
    if not may_see_details(lifecycle, request.scope):
        health = {"status": health["status"]}
    return _json(status, health, {"cache-control": "no-store"})


async def _metrics(request: Request) -> Response:
    lifecycle: Lifecycle = request.app.state.lifecycle
    if not may_see_details(lifecycle, request.scope):
        response = refuse(BAD_KEY)
        response.headers["www-authenticate"] = "Bearer"
        return response
    return Response(await lifecycle.metrics_page(), media_type=CONTENT_TYPE)


async def _tokens(request: Request) -> Response:
    granted = grant_token(request.app.state.lifecycle, request.scope, time.time())
    if isinstance(granted, Refusal):
        return refuse(granted)
    return _json(200, msgspec.structs.asdict(granted), {"cache-control": "no-store"})


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


class _HostCheck:
    """Middleware: requests for another server's name are refused, on all paths."""

    def __init__(self, app: ASGIApp, lifecycle: Lifecycle) -> None:
        self._app = app
        self._hosts = lifecycle.access.hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._hosts.allows(Headers(scope=scope).get("host")):
            await refuse(BAD_HOST)(scope, receive, send)
            return
        await self._app(scope, receive, send)


# ---------------------------------------------------------------- the WebSocket
class _SessionSocket:
    """An ASGI application (a class, so that Starlette does not wrap the socket)."""

    def __init__(self, lifecycle: Lifecycle, serve_session: ServeSession, path: str) -> None:
        self._lifecycle = lifecycle
        self._serve_session = serve_session
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        model = model_in(scope["query_string"])
        served = lookup(model, self._lifecycle.config.aliases, self._path)
        admitted = admit(self._lifecycle, scope, served.api.roles)
        if isinstance(admitted, Refusal):
            self._lifecycle.metrics.refused.labels(str(admitted.status), admitted.code).inc()
            refused = {"status": admitted.status, "code": admitted.code, "reason": admitted.message}
            LOG.info("handshake refused: %(status)d %(code)s, %(reason)s", refused)
            await _deny(admitted, scope, receive, send)
            return
        # Counted from here, without an await since the decision: two cannot take the last place.
        with self._lifecycle.access.session(admitted) as key_session:
            await receive()  # websocket.connect
            subprotocol = chosen_subprotocol(scope["subprotocols"])
            await send({"type": "websocket.accept", "subprotocol": subprotocol})
            accepted = Accepted(self._path, model, admitted, scope, receive, send, key_session)
            await self._serve_session(self._lifecycle, accepted)


class _UnknownSocket:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _deny(Refusal(404, *_HTTP_ERRORS[404]), scope, receive, send)


async def _deny(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    await receive()  # websocket.connect
    await refuse(refusal)(scope, receive, send)
