"""The private folder of ``dragoman intercept``: the certificate authority and the bundle.

Scope: files only. The folder has mode 0700, the issuer's key 0600. A folder that other users can
read is refused and not repaired, because it may be theirs. Keys of issued certificates are written
only encrypted.

``issuer.key``, ``issuer.pem`` and ``ca.pem`` (the root that programs trust) are made on first use,
and again if they expire within a month or the hosts have changed. ``bundle.pem`` is the system's
list of certificates plus our root, for programs whose only setting replaces their whole list. A
lock file lets several processes start at once.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dragoman.intercept.authority import Authority, LeafCertificate, expiry_of
from dragoman.intercept.names import Hosts

MAX_AGE = timedelta(days=1)
_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, Red Hat
    "/etc/ssl/cert.pem",  # Alpine, macOS
)


class FolderRefused(Exception):
    """The folder cannot be used; the text says why and what to do."""


def default_folder(environ: Mapping[str, str]) -> Path:
    """The folder without ``--dir``: below ``XDG_DATA_HOME``."""
    data = environ.get("XDG_DATA_HOME", "")
    base = Path(data) if data.startswith("/") else Path.home() / ".local" / "share"
    return base / "dragoman" / "intercept"


def authority_expiry(folder: Path) -> datetime | None:
    """When the authority in a folder expires; None if there is none or it cannot be read."""
    try:
        return expiry_of((folder / "ca.pem").read_bytes())
    except (OSError, ValueError):
        return None


class Folder:
    """The folder; it is made if it does not exist."""

    def __init__(self, path: Path) -> None:
        """Raise ``FolderRefused`` if it cannot be made or is not private."""
        self.path = path.absolute()
        self.ca = self.path / "ca.pem"
        self.bundle = self.path / "bundle.pem"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.mkdir(mode=0o700, exist_ok=True)
            found = self.path.stat()
        except OSError as error:
            raise FolderRefused(f"{self.path}: {error.strerror}") from None
        if found.st_uid != os.getuid():
            raise FolderRefused(f"{self.path} belongs to another user; choose another --dir")
        if found.st_mode & 0o077:
            raise FolderRefused(
                f"{self.path} is open to other users, and a key would lie in it. "
                f"Close it (chmod 700 {self.path}) or choose another --dir."
            )

    def authority(self, hosts: Hosts, now: datetime) -> tuple[Authority, bool]:
        """The authority for these hosts, and whether this call made it.

        Raises:
            FolderRefused: the folder cannot be read or written.

        """
        try:
            with self._locked():
                stored = self._load()
                if stored is not None and stored.is_for(hosts.domains, now):
                    return stored, False
                made = Authority.make(hosts.domains, now)
                self._write("issuer.key", made.key_pem())
                self._write("issuer.pem", made.issuer_pem())
                self._write(self.ca.name, made.root_pem())
                return made, True
        except OSError as error:
            raise FolderRefused(f"{error.filename or self.path}: {error.strerror}") from None

    def write_bundle(self, environ: Mapping[str, str]) -> str | None:
        """Write the bundle; returns the system's list that it was made from.

        If no list is found, returns None and removes the bundle.

        Raises:
            FolderRefused: the folder cannot be written.

        """
        try:
            return self._write_bundle(environ)
        except OSError as error:
            raise FolderRefused(f"{error.filename or self.path}: {error.strerror}") from None

    def _write_bundle(self, environ: Mapping[str, str]) -> str | None:
        for source in _system_lists(environ):
            if Path(source) == self.bundle:  # ``dragoman intercept`` inside another: it would grow.
                continue
            try:
                roots = Path(source).read_bytes()
            except OSError:
                continue
            self._write(self.bundle.name, roots.rstrip() + b"\n" + self.ca.read_bytes())
            return source
        self.bundle.unlink(missing_ok=True)
        return None

    def tls_context(self, leaf: LeafCertificate) -> ssl.SSLContext:
        """The proxy's TLS settings with this certificate: TLS 1.2 or newer, HTTP/1.1."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        # The ssl module loads keys from files only, so write one, encrypted, and remove it.
        password = secrets.token_hex(32)
        with tempfile.NamedTemporaryFile(dir=self.path, prefix="leaf-", suffix=".pem") as file:
            file.write(leaf.pem(password))
            file.flush()
            context.load_cert_chain(file.name, password=password)
        return context

    def _load(self) -> Authority | None:
        try:
            issuer, key = ((self.path / name).read_bytes() for name in ("issuer.pem", "issuer.key"))
            return Authority.load(self.ca.read_bytes(), issuer, key)
        except FileNotFoundError:
            return None

    def _write(self, name: str, content: bytes) -> None:
        """Replace a file atomically. It gets mode 0600."""
        with tempfile.NamedTemporaryFile(dir=self.path, prefix=f"{name}-", delete=False) as file:
            try:
                file.write(content)
                file.close()
                Path(file.name).replace(self.path / name)
            except OSError:
                Path(file.name).unlink(missing_ok=True)
                raise

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.path / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class Certificates:
    """The proxy's TLS settings; the certificate is renewed daily."""

    def __init__(self, folder: Folder, hosts: Hosts) -> None:
        self._folder = folder
        self._hosts = hosts
        self._context: ssl.SSLContext | None = None
        self._made_at = datetime.min.replace(tzinfo=UTC)
        self._lock = asyncio.Lock()

    async def context(self) -> ssl.SSLContext:
        """The TLS settings for a connection.

        Raises:
            FolderRefused: on the first call only; later calls then keep the last certificate.

        """
        async with self._lock:
            now = datetime.now(UTC)
            if self._context is None or not timedelta() <= now - self._made_at < MAX_AGE:
                try:
                    self._context = await asyncio.to_thread(self._make, now)
                except FolderRefused:
                    if self._context is None:
                        raise
                self._made_at = now
            return self._context

    def _make(self, now: datetime) -> ssl.SSLContext:
        authority, _ = self._folder.authority(self._hosts, now)
        try:
            return self._folder.tls_context(authority.issue(self._hosts.patterns, now))
        except OSError as error:
            raise FolderRefused(f"{self._folder.path}: {error.strerror}") from None


def _system_lists(environ: Mapping[str, str]) -> list[str]:
    """Files that may hold the certificates this user's programs trust, best first."""
    openssl = ssl.get_default_verify_paths().openssl_cafile
    found = [environ.get("SSL_CERT_FILE", ""), openssl, *_SYSTEM_BUNDLES, _certifi()]
    return [path for path in found if path]


def _certifi() -> str:
    try:
        import certifi  # noqa: PLC0415  # optional, only for systems without a list
    except ModuleNotFoundError:
        return ""
    return certifi.where()
