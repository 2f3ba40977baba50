"""The private authority, as OpenSSL verifies it: valid for the redirected hosts only."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("cryptography")

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from dragoman.intercept.authority import LEAF_LIFE, LIFE, Authority, LeafCertificate
from dragoman.intercept.folder import Folder
from dragoman.intercept.names import Hosts

HOSTS = Hosts()
NOW = datetime.now(UTC)
AUTHORITY = Authority.make(HOSTS.domains, NOW)


def handshake(leaf: LeafCertificate, name: str, folder: Path, root: bytes = b"") -> str | None:
    """A TLS handshake in memory between a strict client and our server; returns ALPN's choice."""
    client = ssl.create_default_context(cadata=(root or AUTHORITY.root_pem()).decode())
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    client.set_alpn_protocols(["h2", "http/1.1"])
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_side = client.wrap_bio(to_client, to_server, server_hostname=name)
    folder.chmod(0o700)
    server_side = Folder(folder).tls_context(leaf).wrap_bio(to_server, to_client, server_side=True)
    for side in (client_side, server_side, client_side, server_side):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return client_side.selected_alpn_protocol()


def forged(
    name: x509.GeneralName, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> LeafCertificate:
    """A certificate made with a stolen issuer key."""
    own = ec.generate_private_key(ec.SECP256R1())
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer)
        .public_key(own.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(minutes=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([name]), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    return LeafCertificate(made, AUTHORITY.issuer, own)


@pytest.mark.parametrize("pattern", HOSTS.patterns)
def test_every_cloud_host_is_covered(pattern: str, tmp_path: Path) -> None:
    leaf = AUTHORITY.issue(HOSTS.patterns, NOW)
    assert handshake(leaf, pattern.replace("*", "ws-1"), tmp_path) == "http/1.1"


@pytest.mark.parametrize(
    "name", ["example.com", "aliyuncs.com", "oss.aliyuncs.com", "localhost", "*.example.com"]
)
def test_certificates_for_other_hosts_are_rejected(name: str, tmp_path: Path) -> None:
    leaf = AUTHORITY.issue([name], NOW)
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake(leaf, name.replace("*", "a"), tmp_path)


def test_certificates_for_ip_addresses_are_rejected(tmp_path: Path) -> None:
    for text in ("127.0.0.1", "10.1.2.3", "::1"):
        address = x509.IPAddress(ipaddress.ip_address(text))
        leaf = forged(address, AUTHORITY.issuer.subject, AUTHORITY.key)
        with pytest.raises(ssl.SSLCertVerificationError, match="excluded subtree violation"):
            handshake(leaf, text, tmp_path)


def test_a_forged_certificate_for_a_redirected_host_is_accepted(tmp_path: Path) -> None:
    """Else the tests above would pass whatever ``forged`` makes."""
    name = x509.DNSName("dashscope.aliyuncs.com")
    leaf = forged(name, AUTHORITY.issuer.subject, AUTHORITY.key)
    assert handshake(leaf, name.value, tmp_path) == "http/1.1"


def test_a_further_intermediate_authority_is_rejected(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "below")])
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(AUTHORITY.key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(AUTHORITY.issuer.subject)
        .public_key(key.public_key())
        .serial_number(2)
        .not_valid_before(NOW - timedelta(minutes=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(identifier, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    for extension in AUTHORITY.issuer.extensions:
        if isinstance(extension.value, x509.BasicConstraints | x509.KeyUsage):
            builder = builder.add_extension(extension.value, extension.critical)
    below = builder.sign(AUTHORITY.key, hashes.SHA256())
    leaf = forged(x509.DNSName("dashscope.aliyuncs.com"), name, key)
    trusted = AUTHORITY.root_pem() + AUTHORITY.issuer_pem()
    with pytest.raises(ssl.SSLCertVerificationError, match="path length constraint exceeded"):
        handshake(
            LeafCertificate(leaf.certificate, below, leaf.key),
            "dashscope.aliyuncs.com",
            tmp_path,
            trusted,
        )


def test_both_certificates_carry_the_limits() -> None:
    """Java checks those of the issuer only, others those of both."""
    for certificate, below in ((AUTHORITY.root, 1), (AUTHORITY.issuer, 0)):
        found = certificate.extensions
        limits = found.get_extension_for_class(x509.NameConstraints)
        assert limits.critical
        assert [name.value for name in limits.value.permitted_subtrees or []] == list(HOSTS.domains)
        assert len(limits.value.excluded_subtrees or []) == 2
        basic = found.get_extension_for_class(x509.BasicConstraints)
        assert basic.critical
        assert basic.value.path_length == below
        usages = found.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(usages) == [x509.ExtendedKeyUsageOID.SERVER_AUTH]


def test_the_root_key_is_not_kept() -> None:
    assert AUTHORITY.key.public_key() == AUTHORITY.issuer.public_key()
    assert AUTHORITY.key.public_key() != AUTHORITY.root.public_key()


def test_lifetimes() -> None:
    leaf = AUTHORITY.issue(HOSTS.patterns, NOW).certificate
    assert leaf.not_valid_after_utc - NOW <= LEAF_LIFE
    late = NOW + LIFE - timedelta(hours=1)
    leaf = AUTHORITY.issue(HOSTS.patterns, late).certificate
    assert leaf.not_valid_after_utc == AUTHORITY.issuer.not_valid_after_utc
    assert AUTHORITY.is_for(HOSTS.domains, NOW + timedelta(days=334))
    assert not AUTHORITY.is_for(HOSTS.domains, NOW + timedelta(days=336))
    assert not AUTHORITY.is_for(HOSTS.domains, NOW - timedelta(days=1))  # a clock set back
    assert not AUTHORITY.is_for(Hosts(["api.example.com"]).domains, NOW)
    assert not Authority.make(["com"], NOW).is_for(HOSTS.domains, NOW)


def test_files_that_do_not_belong_together_are_not_loaded() -> None:
    root, issuer, key = AUTHORITY.root_pem(), AUTHORITY.issuer_pem(), AUTHORITY.key_pem()
    other = Authority.make(HOSTS.domains, NOW)
    loaded = Authority.load(root, issuer, key)
    assert loaded is not None
    assert (loaded.root, loaded.issuer) == (AUTHORITY.root, AUTHORITY.issuer)
    assert loaded.key_pem() == key
    assert Authority.load(root, issuer, other.key_pem()) is None
    assert Authority.load(other.root_pem(), issuer, key) is None
    assert Authority.load(root, other.issuer_pem(), key) is None
    assert Authority.load(b"", issuer, key) is None
    assert Authority.load(root, issuer, b"-----BEGIN PRIVATE KEY-----") is None


def test_the_key_of_a_leaf_is_written_encrypted() -> None:
    pem = AUTHORITY.issue(HOSTS.patterns, NOW).pem("a password")
    assert b"ENCRYPTED PRIVATE KEY" in pem
    assert b"BEGIN PRIVATE KEY" not in pem
