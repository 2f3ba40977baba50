"""TLS: sessions over it, bounds that hold over it, and a renewed certificate."""

from __future__ import annotations

import contextlib
import socket
import ssl
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from dragoman.server.config import Config, ConfigError
from dragoman.server.serve import DrainingServer
from dragoman.server.tls import Certificate, certificate_of
from tests.server.server_thread import Shell, shell


def make(folder: Path, password: bytes | None = None, days: int = 30) -> tuple[Path, Path]:
    """A certificate that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    lock: Any = serialization.NoEncryption()
    if password:
        lock = serialization.BestAvailableEncryption(password)
    folder.mkdir(exist_ok=True)
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
    )
    return cert_file, key_file


def secure(port: int, cert: Path) -> dict[str, Any]:
    return {
        "uri": f"wss://127.0.0.1:{port}/api-ws/v1/realtime",
        "ssl": ssl.create_default_context(cafile=str(cert)),
        "max_size": None,
    }


def served(cert: Path, key: Path, **settings: Any) -> AbstractContextManager[Shell]:
    """A server with TLS on the loop that `dragoman serve` uses; it has a TLS of its own."""
    files = {"tls_cert": str(cert), "tls_key": str(key)}
    return shell(loop_factory=uvloop.new_event_loop, **files, **settings)


def test_sessions_and_large_frames_over_tls(tmp_path: Path) -> None:
    cert, key = make(tmp_path)
    with served(cert, key) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as plain:
            plain.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while plain.recv(4096):
                pass  # hung up
        with connect(**secure(server.port, cert)) as ws:
            assert ws.recv(10) == "model="
            for size in (1, 1000, 1_000_000, 10):
                ws.send("x" * size)
                assert len(ws.recv(20)) == size
            ws.send("bye")
            with pytest.raises(ConnectionClosed) as caught:
                ws.recv(10)
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 1000
        server.wait_idle()


def test_the_drain_reaches_sessions_over_tls(tmp_path: Path) -> None:
    cert, key = make(tmp_path)
    with served(cert, key) as server, connect(**secure(server.port, cert)) as ws:
        ws.recv(10)
        server.call(server.server.stop)
        with pytest.raises(ConnectionClosed) as caught:
            ws.recv(20)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1012


async def flood(lifecycle: Any, accepted: Any) -> None:
    """Send 64 KiB frames for as long as the client is there; count what was taken."""
    with lifecycle.session("flood"):
        flood.taken = 0  # type: ignore[attr-defined]
        try:
            while True:
                await accepted.send({"type": "websocket.send", "text": "x" * 65_536})
                flood.taken += 65_536  # type: ignore[attr-defined]
        except OSError:
            return


def test_a_client_that_never_reads_is_cut_off_over_tls_too(tmp_path: Path) -> None:
    cert, key = make(tmp_path)
    with served(cert, key, serve_session=flood, limits={"stall_s": 0.3}) as server:
        bare = socket.socket()
        bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        bare.settimeout(20)
        bare.connect(("127.0.0.1", server.port))
        context = ssl.create_default_context(cafile=str(cert))
        with context.wrap_socket(bare, server_hostname="127.0.0.1") as raw:
            raw.sendall(
                b"GET /api-ws/v1/realtime HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            )
            assert raw.recv(12) == b"HTTP/1.1 101"
            server.wait_idle()
            assert 0 < flood.taken < 2 * 1024 * 1024  # type: ignore[attr-defined]


def test_a_client_that_says_nothing_is_hung_up_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DrainingServer, "tls_s", 0.2)
    with served(*make(tmp_path)) as server:
        for said in (b"", b"\x16\x03\x01"):
            with socket.create_connection(("127.0.0.1", server.port), timeout=20) as silent:
                silent.sendall(said)
                with contextlib.suppress(ConnectionResetError):
                    assert silent.recv(1) == b""


def test_a_renewed_certificate_counts_for_new_connections(tmp_path: Path) -> None:
    old, _ = make(tmp_path / "old")
    new, new_key = make(tmp_path / "new")
    cert, key = make(tmp_path / "live")
    (tmp_path / "old" / "cert.pem").write_bytes(cert.read_bytes())
    with served(cert, key) as server:
        certificate = server.server.certificate
        assert certificate is not None
        with connect(**secure(server.port, old)) as standing:
            standing.recv(10)
            cert.write_bytes(new.read_bytes())
            assert not certificate.refresh()  # the key is still the old one
            with connect(**secure(server.port, old)) as ws:
                assert ws.recv(10) == "model="
            key.write_bytes(new_key.read_bytes())
            assert certificate.refresh()
            assert not certificate.refresh()
            with connect(**secure(server.port, new)) as ws:
                assert ws.recv(10) == "model="
            with pytest.raises(ssl.SSLCertVerificationError):
                connect(**secure(server.port, old))
            standing.send("still here")
            assert standing.recv(10) == "still here"


def test_files_that_cannot_be_used_are_config_errors(tmp_path: Path) -> None:
    cert, key = make(tmp_path / "one")
    _, other_key = make(tmp_path / "two")
    _, locked = make(tmp_path / "three", b"secret")
    for files, words in (
        ((tmp_path / "none", key), "No such file"),
        ((cert, other_key), "KEY_VALUES_MISMATCH"),
        ((key, key), "cannot be used"),
        ((make(tmp_path / "three", b"secret")[0], locked), "has a password"),
    ):
        with pytest.raises(ConfigError, match=words):
            Certificate(*files)


def test_when_a_certificate_ends(tmp_path: Path) -> None:
    files = make(tmp_path)
    ends = x509.load_pem_x509_certificate(files[0].read_bytes()).not_valid_after_utc
    assert Certificate(*files).ends_at() == ends
    with pytest.raises(ConfigError, match="expired"):
        Certificate(*make(tmp_path, days=-1)).ends_at()


def test_one_file_alone_is_a_config_error() -> None:
    assert certificate_of(Config()) is None
    for config in (Config(tls_cert="cert.pem"), Config(tls_key="key.pem")):
        with pytest.raises(ConfigError, match="both"):
            certificate_of(config)
