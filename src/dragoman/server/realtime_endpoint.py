"""From an accepted WebSocket to a running session: the glue to the layers below.

Scope: it looks up who serves the model on this path and hands over; it decides nothing about the
protocol. A failure beyond the session's own rules is a bug of ours: it is logged, and the client
gets close code 1011 without details.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time

from dragoman.engines.registry import RegistryError, parse_choice
from dragoman.protocol.core.commands import Eviction
from dragoman.protocol.core.events import Ids, nonce_from
from dragoman.protocol.registry import lookup, make_session
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.hosts.shared.engine_link import EngineLink
from dragoman.runtime.jobs import run_session
from dragoman.runtime.observer import FanOut, Observer
from dragoman.server.access.key_accounts import KeySession
from dragoman.server.config import Config, ConfigError
from dragoman.server.connection import Accepted, SocketConnection
from dragoman.server.lifecycle import Lifecycle
from dragoman.server.observability.logs import SessionLines, current_session
from dragoman.server.observability.session_log import SessionLog
from dragoman.server.observability.tracing import session_traces

LOG = logging.getLogger("dragoman.session")


async def serve_session(lifecycle: Lifecycle, accepted: Accepted) -> None:
    """Run the session that the client's model asks for, until it is closed."""
    config, engines = lifecycle.config, lifecycle.engines
    assert isinstance(engines, EngineSet)
    served = lookup(accepted.model, config.aliases, accepted.path)
    api = served.api
    nonce = nonce_from(secrets.randbits(96))
    lines = SessionLines(nonce)
    current_session.set(lines)
    family = served.family.name if served.family is not None else ""
    capacity, key_id = engines.capacity, accepted.principal.key_id
    with (
        lifecycle.session(api.label, api.first_audio, family) as metrics,
        capacity.joined(api.roles, key_id) as speaker,
    ):
        session = make_session(
            served,
            Ids(nonce),
            config.limits,
            engines.coverage,
            strict=config.strict,
            principal=accepted.principal,
            options=(config.synthesis, config.interpretation, config.recognition),
        )
        accepted.stream.session_holds = lambda: session.waiting_bytes
        if api.reads_late:
            accepted.stream.stall_s = config.limits.age_s
        connection = SocketConnection(accepted.stream, api.codec, metrics)
        began = time.monotonic()
        who = key_id or "anonymous"
        LOG.info("session begins: model %(model)r, %(key)s", {"model": accepted.model, "key": who})
        log = SessionLog()
        traces = session_traces(lifecycle.traces, nonce, api.label, family)
        try:
            evicted, watchers = _eviction(accepted.key_session)
            observer = FanOut(metrics, log, *traces, *watchers)
            await run_session(
                session,
                connection,
                api.codec.encode,
                engines,
                observer,
                evicted=evicted,
                speaker=speaker,
            )
        except Exception:
            LOG.exception("the session broke")
            await connection.close(1011, "internal error")
        for trace in traces:
            trace.close()
        lines.end()
        log.sum_up()
        ended = {"close_code": connection.close_code, "seconds": time.monotonic() - began}
        LOG.info("session ends: close code %(close_code)s after %(seconds).1f s", ended)


def _eviction(
    key_session: KeySession | None,
) -> tuple[asyncio.Future[Eviction] | None, list[Observer]]:
    """What is done when the server ends the session, and who watches what it uses."""
    if key_session is None:
        return None, []
    evicted: asyncio.Future[Eviction] = asyncio.get_running_loop().create_future()

    def end(reason: Eviction) -> None:
        LOG.info("the server ends the session: %(reason)s", {"reason": reason})
        evicted.set_result(reason)

    key_session.when_evicted(end)
    return evicted, [key_session]


def make_engines(config: Config, link: EngineLink | None = None) -> EngineSet:
    """The engines that the settings name, not loaded yet; with a ``link``, those of the engine
    process. Raises ``ConfigError``.
    """
    try:
        choice, most = parse_choice(config.engines), config.limits.speakers or None
        return EngineSet(choice, warm=config.directions, speakers=most, link=link)
    except RegistryError as error:
        raise ConfigError(f"engines: {error}") from None
