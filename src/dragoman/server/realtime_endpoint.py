"""From an accepted WebSocket to a running session: the glue to the layers below.

Scope: it looks up who serves the model on this path and hands over; it decides nothing about the
protocol. A failure beyond the session's own rules is a bug of ours: it is logged, and the client
gets close code 1011 without details.
"""

from __future__ import annotations

import logging
import secrets
import time

from dragoman.engines.registry import RegistryError, parse_choice
from dragoman.protocol.core.events import Ids, nonce_from
from dragoman.protocol.registry import lookup, make_session
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.hosts.shared.engine_link import EngineLink
from dragoman.runtime.jobs import run_session
from dragoman.runtime.observer import FanOut
from dragoman.server.config import Config, ConfigError
from dragoman.server.connection import Accepted, SocketConnection
from dragoman.server.lifecycle import Lifecycle
from dragoman.server.logs import session_nonce
from dragoman.server.session_log import SessionLog

LOG = logging.getLogger("dragoman.session")


async def serve_session(lifecycle: Lifecycle, accepted: Accepted) -> None:
    """Run the session that the client's model asks for, until it is closed."""
    config, engines = lifecycle.config, lifecycle.engines
    assert isinstance(engines, EngineSet)
    served = lookup(accepted.model, config.aliases, accepted.path)
    api = served.api
    nonce = nonce_from(secrets.randbits(96))
    session_nonce.set(nonce)
    with lifecycle.session(api.label, api.first_audio) as metrics:
        session = make_session(
            served,
            Ids(nonce),
            config.limits,
            engines.coverage,
            strict=config.strict,
            principal=accepted.principal,
            options=(config.synthesis, config.interpretation, config.recognition),
        )
        if api.reads_late:
            accepted.stream.stall_s = config.limits.age_s
        connection = SocketConnection(accepted.stream, api.codec, metrics)
        began = time.monotonic()
        who = accepted.principal.key_id or "anonymous"
        LOG.info("session begins: model %r, %s", accepted.model, who)
        log = SessionLog()
        try:
            observer = FanOut(metrics, log)
            await run_session(session, connection, api.codec.encode, engines, observer)
        except Exception:
            LOG.exception("the session broke")
            await connection.close(1011, "internal error")
        if log.speech:
            LOG.info("%s", log.speech)
        code, lasted = connection.close_code, time.monotonic() - began
        LOG.info("session ends: close code %s after %.1f s", code, lasted)


def make_engines(config: Config, link: EngineLink | None = None) -> EngineSet:
    """The engines that the settings name, not loaded yet; with a ``link``, those of the engine
    process. Raises ``ConfigError``.
    """
    try:
        return EngineSet(parse_choice(config.engines), warm=config.directions, link=link)
    except RegistryError as error:
        raise ConfigError(f"engines: {error}") from None
