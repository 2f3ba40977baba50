"""The private folder of ``dragoman intercept``: its authority, and the bundle made from it.

Law of this file: files only. The folder is the user's alone (0700), the issuer's key too
(0600); a folder that others can look into is refused, not mended, as it may be theirs. Keys of
issued certificates never lie on disk in the clear.

How it works. ``issuer.key``, ``issuer.pem`` and ``ca.pem``, the root that programs trust, are made
on first use, and anew when they end within a month or the hosts are others. ``bundle.pem`` is what
this system trusts anyway and our root, for programs whose only setting replaces their whole list.
A lock file lets two of us start at once.
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

from dragoman.intercept.authority import Authority, Leaf, end_of
from dragoman.intercept.names import Hosts

FRESH = timedelta(days=1)
_USUAL_ROOTS = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, Red Hat
    "/etc/ssl/cert.pem",  # Alpine, macOS
)


class FolderRefused(Exception):
    """The folder cannot be used; the text says why and what to do."""


def default_folder(environ: Mapping[str, str]) -> Path:
    """Where it is unless ``--dir`` says otherwise: below ``XDG_DATA_HOME``."""
    data = environ.get("XDG_DATA_HOME", "")
    base = Path(data) if data.startswith("/") else Path.home() / ".local" / "share"
    return base / "dragoman" / "intercept"


def ends(folder: Path) -> datetime | None:
    """When the authority in a folder ends; None where there is none that can be read."""
    try:
        return end_of((folder / "ca.pem").read_bytes())
    except (OSError, ValueError):
        return None


class Folder:
    """The folder, made if it is not there."""

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
        """The authority for these hosts, and whether it was made just now.

        Raises:
            FolderRefused: the folder cannot be read or written.

        """
        try:
            with self._locked():
                found = self._load()
                if found is not None and found.is_for(hosts.domains, now):
                    return found, False
                made = Authority.make(hosts.domains, now)
                self._write("issuer.key", made.key_pem())
                self._write("issuer.pem", made.issuer_pem())
                self._write(self.ca.name, made.root_pem())
                return made, True
        except OSError as error:
            raise FolderRefused(f"{error.filename or self.path}: {error.strerror}") from None

    def write_bundle(self, environ: Mapping[str, str]) -> str | None:
        """Write the bundle, and return the file it was made from.

        None, and no bundle is left, where no list of this system's is found.

        Raises:
            FolderRefused: the folder cannot be written.

        """
        try:
            return self._bundled(environ)
        except OSError as error:
            raise FolderRefused(f"{error.filename or self.path}: {error.strerror}") from None

    def _bundled(self, environ: Mapping[str, str]) -> str | None:
        for source in _lists(environ):
            if Path(source) == self.bundle:  # One of us runs inside another: it would grow.
                continue
            try:
                roots = Path(source).read_bytes()
            except OSError:
                continue
            self._write(self.bundle.name, roots.rstrip() + b"\n" + self.ca.read_bytes())
            return source
        self.bundle.unlink(missing_ok=True)
        return None

    def tls_context(self, leaf: Leaf) -> ssl.SSLContext:
        """A server's TLS settings with this certificate: TLS 1.2 or newer, HTTP/1.1."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        # The ssl module loads from files only, so for a moment there is one: encrypted.
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
        """Replace a file at once, so that nobody reads half of it."""
        with tempfile.NamedTemporaryFile(dir=self.path, prefix=f"{name}-", delete=False) as file:
            try:
                file.write(content)  # Made with mode 0600.
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
    """The TLS settings of the proxy, with a certificate that is never older than a day."""

    def __init__(self, folder: Folder, hosts: Hosts) -> None:
        self._folder = folder
        self._hosts = hosts
        self._context: ssl.SSLContext | None = None
        self._made = datetime.min.replace(tzinfo=UTC)
        self._lock = asyncio.Lock()

    async def context(self) -> ssl.SSLContext:
        """What a connection is to be encrypted with.

        Raises:
            FolderRefused: on the first call only; later the last certificate has to do.

        """
        async with self._lock:
            now = datetime.now(UTC)
            if self._context is None or not timedelta() <= now - self._made < FRESH:
                try:
                    self._context = await asyncio.to_thread(self._make, now)
                except FolderRefused:
                    if self._context is None:
                        raise
                self._made = now
            return self._context

    def _make(self, now: datetime) -> ssl.SSLContext:
        authority, _ = self._folder.authority(self._hosts, now)
        try:
            return self._folder.tls_context(authority.issue(self._hosts.patterns, now))
        except OSError as error:
            raise FolderRefused(f"{self._folder.path}: {error.strerror}") from None


def _lists(environ: Mapping[str, str]) -> list[str]:
    """Where the certificates that programs of this user trust may be, best first."""
    usual = ssl.get_default_verify_paths().openssl_cafile
    found = [environ.get("SSL_CERT_FILE", ""), usual, *_USUAL_ROOTS, _certifi()]
    return [path for path in found if path]


def _certifi() -> str:
    try:
        import certifi  # noqa: PLC0415  # only where the system has no list; not required
    except ModuleNotFoundError:
        return ""
    return certifi.where()
