"""TLS from certificate files, and their renewal without a restart.

Scope: the ``ssl.SSLContext`` of one server. When the files change, the context of the running
server loads them: handshakes from then on get the new certificate, connections that stand keep
theirs. Files that do not fit together (a renewal writes one after the other) change nothing; they
are tried on a context of their own first, because OpenSSL has taken the certificate when it refuses
the key.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from datetime import UTC, datetime
from pathlib import Path

from dragoman.server.config import Config, ConfigError

LOG = logging.getLogger("dragoman.server")

CHECK_EVERY_S = 10.0


class Certificate:
    """The certificate of one server, of ``tls_cert`` (with its chain) and ``tls_key``."""

    def __init__(self, cert: Path, key: Path) -> None:
        """Raises ``ConfigError`` for files that cannot be used."""
        self._files = (cert, key)
        self._seen = self._fingerprint()
        try:
            self.context = self._fresh()
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"TLS: {_reason(error)} ({cert}, {key}).") from None

    def ends_at(self) -> datetime:
        """When the certificate ends, in UTC. Raises ``ConfigError`` if no client would take it.

        The standard library shows a certificate only to a client that has verified it, so one
        does, in memory; it takes the certificate itself as what it trusts.
        """
        client = ssl.create_default_context(cafile=str(self._files[0]))
        client.check_hostname = False
        client.verify_flags = ssl.VERIFY_X509_PARTIAL_CHAIN
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        asks = client.wrap_bio(to_client, to_server)
        answers = self.context.wrap_bio(to_server, to_client, server_side=True)
        try:
            for side in (asks, answers, asks):
                with contextlib.suppress(ssl.SSLWantReadError):
                    side.do_handshake()
        except ssl.SSLCertVerificationError as error:
            raise ConfigError(f"TLS: {error.verify_message} ({self._files[0]}).") from None
        ends = (asks.getpeercert() or {})["notAfter"]
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(ends)), UTC)

    def refresh(self) -> bool:
        """Load the files again if they changed; whether that was done."""
        seen = self._fingerprint()
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            self._fresh()
            self.context.load_cert_chain(*self._files, password=_no_password)
        except (OSError, ssl.SSLError) as error:
            LOG.warning("the TLS certificate stays as it was: %s", _reason(error))
            return False
        LOG.info("TLS certificate loaded again")
        return True

    async def keep_fresh(self) -> None:
        """Look at the files from time to time, until cancelled."""
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            self.refresh()

    def _fresh(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(*self._files, password=_no_password)
        return context

    def _fingerprint(self) -> list[tuple[int, ...]]:
        found: list[tuple[int, ...]] = []
        for file in self._files:
            try:
                stat = file.stat()
            except OSError:
                found.append(())
            else:
                found.append((stat.st_mtime_ns, stat.st_ino, stat.st_size))
        return found


def certificate_of(config: Config) -> Certificate | None:
    """The certificate of the settings; None without TLS. Raises ``ConfigError``."""
    if not config.tls_cert and not config.tls_key:
        return None
    if not config.tls_cert or not config.tls_key:
        raise ConfigError("TLS needs both: tls_cert and tls_key.")
    return Certificate(Path(config.tls_cert).expanduser(), Path(config.tls_key).expanduser())


def _no_password() -> str:
    # Without this, OpenSSL would ask on the terminal and the server would hang.
    raise OSError("the key has a password; take it off, and let nobody else read the file")


def _reason(error: OSError | ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLError):
        return f"certificate and key cannot be used: {error.reason or error}"
    return error.strerror or str(error)
