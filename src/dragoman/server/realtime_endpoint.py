"""From an accepted WebSocket to a running session: the glue to the layers below.

Scope: it looks up who serves the model and hands over; it decides nothing about the protocol. A
failure beyond the session's own rules is a bug of ours: it is logged, and the client gets close
code 1011 without details.
"""

from __future__ import annotations

import logging
import secrets
import time

from dragoman.engines.registry import RegistryError, parse_choice
from dragoman.protocol.core.events import Ids, nonce_from
from dragoman.protocol.registry import lookup, make_session
from dragoman.runtime.engine_set import EngineSet
from dragoman.runtime.jobs import run_session
from dragoman.server.config import Config, ConfigError
from dragoman.server.connection import Accepted, SocketConnection
from dragoman.server.lag_stats import LagStats
from dragoman.server.lifecycle import Lifecycle
from dragoman.server.logs import session_nonce
from dragoman.server.metrics import SessionMetrics

LOG = logging.getLogger("dragoman.session")

NOTES_LOGGED = 100
"""Notes of one session that get a line each; the rest is only counted, or a client that makes
the same mistake a million times would fill the disk."""


class SessionObserver:
    """Tells metrics and log what a session does; the text of people never gets here."""

    def __init__(self, metrics: SessionMetrics) -> None:
        self._metrics = metrics
        self._notes = 0
        self._lags = LagStats()
        self._skipped = 0
        self._skipped_s = 0.0

    def sent(self, event_type: str) -> None:
        """An event went to the client."""
        self._metrics.sent(event_type, time.monotonic())

    def noted(self, name: str, detail: str) -> None:
        """A session noted something countable."""
        self._metrics.noted(name)
        self._notes += 1
        if self._notes <= NOTES_LOGGED:
            LOG.info("%s: %r", name, detail)  # quoted: a client may have had a hand in it
        if self._notes == NOTES_LOGGED:
            LOG.info("further notes of this session are only counted")

    def failed(self, reason: str) -> None:
        """A job failed."""
        self._metrics.failed()
        LOG.warning("job failed: %s", reason)

    def spoke(self, lag_s: float, rate: float, at_s: float) -> None:
        """A piece of translated speech came."""
        self._metrics.spoke(lag_s, rate)
        self._lags.add(lag_s, at_s)

    def skipped(self, seconds: float) -> None:
        """A piece of translated speech was left out."""
        self._metrics.skipped(seconds)
        self._skipped += 1
        self._skipped_s += seconds

    @property
    def speech(self) -> str:
        """How translated speech kept up, in one line; empty when there was none."""
        lags = self._lags
        if not lags.count and not self._skipped:
            return ""
        return (
            f"speech lag: median {lags.quantile(0.5):.1f} s, p95 {lags.quantile(0.95):.1f} s, "
            f"drift {lags.drift:+.2f} s/min over {lags.count} pieces; "
            f"{self._skipped} skipped ({self._skipped_s:.1f} s)"
        )


async def serve_session(lifecycle: Lifecycle, accepted: Accepted) -> None:
    """Run the session that the client's model asks for, until it is closed."""
    config, engines = lifecycle.config, lifecycle.engines
    assert isinstance(engines, EngineSet)
    served = lookup(accepted.model, config.aliases)
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
            options=(config.synthesis, config.interpretation),
        )
        connection = SocketConnection(accepted.stream, api.codec, metrics)
        began = time.monotonic()
        who = accepted.principal.key_id or "anonymous"
        LOG.info("session begins: model %r, %s", accepted.model, who)
        observer = SessionObserver(metrics)
        try:
            await run_session(
                session, connection, api.codec.encode, engines, observer, watch=observer
            )
        except Exception:
            LOG.exception("the session broke")
            await connection.close(1011, "internal error")
        if observer.speech:
            LOG.info("%s", observer.speech)
        code, lasted = connection.close_code, time.monotonic() - began
        LOG.info("session ends: close code %s after %.1f s", code, lasted)


def make_engines(config: Config) -> EngineSet:
    """The engines that the settings name, not loaded yet. Raises ``ConfigError``."""
    try:
        return EngineSet(parse_choice(config.engines), warm=config.directions)
    except RegistryError as error:
        raise ConfigError(f"engines: {error}") from None
