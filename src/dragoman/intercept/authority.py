"""A private certificate authority that is limited to the redirected hosts.

Scope: keys and certificates in memory; no files, no sockets, and the time is an input. Imported
only for ``dragoman intercept``, because ``cryptography`` is an extra.

Programs trust the root. It signs one issuer, then its key is dropped without being written. The
issuer signs server certificates. Critical name constraints (RFC 5280, 4.2.1.10) limit both to the
redirected domains, exclude every IP address, and allow server authentication only: a stolen issuer
key can impersonate only those domains, and only to programs that trust this root. There are two
levels because Java ignores the constraints of a root. Both last a year, certificates three days.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Self

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE = timedelta(days=365)
RENEW_BEFORE = timedelta(days=30)
LEAF_LIFE = timedelta(days=3)
_SKEW = timedelta(minutes=5)
_PEM = serialization.Encoding.PEM
_PKCS8 = serialization.PrivateFormat.PKCS8


class LeafCertificate(msgspec.Struct, frozen=True):
    """A server certificate, its issuer and its key."""

    certificate: x509.Certificate
    issuer: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def pem(self, password: str) -> bytes:
        """The key, encrypted with ``password``, and the chain, as ``ssl`` loads them."""
        lock = serialization.BestAvailableEncryption(password.encode())
        chain = self.certificate.public_bytes(_PEM) + self.issuer.public_bytes(_PEM)
        return self.key.private_bytes(_PEM, _PKCS8, lock) + chain


class Authority(msgspec.Struct, frozen=True):
    """The root certificate, and the issuer with its key."""

    root: x509.Certificate
    issuer: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls, domains: Iterable[str], now: datetime) -> Self:
        """A new authority for these domains and their subdomains."""
        root_key = ec.generate_private_key(ec.SECP256R1())
        key = ec.generate_private_key(ec.SECP256R1())
        constraints = _constraints(domains)
        life = (now, now + LIFE)
        # Unique names: of two authorities with one name, verifiers may try the wrong one.
        suffix = f"{x509.random_serial_number():x}"[:8]
        root_name = _name(f"Dragoman intercept, this machine only ({suffix})")
        name = _name(f"Dragoman intercept, issuer ({suffix})")
        root = _authority(root_name, root_name, root_key, life, constraints, below=1)
        issuer = _authority(name, root_name, key, life, constraints, below=0)
        issuer = issuer.add_extension(_signed_by(root_key.public_key()), critical=False)
        return cls(
            root.sign(root_key, hashes.SHA256()), issuer.sign(root_key, hashes.SHA256()), key
        )

    @classmethod
    def load(cls, root: bytes, issuer: bytes, key: bytes) -> Self | None:
        """The authority of these PEM texts; None if they are broken or do not belong together."""
        try:
            authority = cls(
                x509.load_pem_x509_certificate(root),
                x509.load_pem_x509_certificate(issuer),
                _private(key),
            )
            authority.root.verify_directly_issued_by(authority.root)
            authority.issuer.verify_directly_issued_by(authority.root)
        except (ValueError, TypeError, InvalidSignature):
            return None
        return authority if authority.key.public_key() == authority.issuer.public_key() else None

    def is_for(self, domains: Iterable[str], now: datetime) -> bool:
        """Whether it is limited to exactly these domains and does not expire soon."""
        constraints = _constraints(domains)
        return all(
            _is_constrained(certificate, constraints)
            and certificate.not_valid_before_utc <= now
            and now + RENEW_BEFORE < certificate.not_valid_after_utc
            for certificate in (self.root, self.issuer)
        )

    def issue(self, names: Iterable[str], now: datetime) -> LeafCertificate:
        """A certificate for these names (``*.name`` is allowed) with a new key.

        The name constraints are not checked here: every program that trusts the root does it.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key()
        life = (now, min(now + LEAF_LIFE, self.issuer.not_valid_after_utc))
        subject = _name("Dragoman intercept")
        builder = (
            _builder(subject, self.issuer.subject, public, life)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
            )
            .add_extension(_signed_by(self.key.public_key()), critical=False)
        )
        return LeafCertificate(builder.sign(self.key, hashes.SHA256()), self.issuer, key)

    def root_pem(self) -> bytes:
        """The certificate that programs must trust."""
        return self.root.public_bytes(_PEM)

    def issuer_pem(self) -> bytes:
        """The intermediate certificate."""
        return self.issuer.public_bytes(_PEM)

    def key_pem(self) -> bytes:
        """The issuer's private key, unencrypted."""
        return self.key.private_bytes(_PEM, _PKCS8, serialization.NoEncryption())


def expiry_of(pem: bytes) -> datetime:
    """When a PEM certificate expires. Raises ``ValueError`` if it is none."""
    return x509.load_pem_x509_certificate(pem).not_valid_after_utc


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _private(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("the key of an authority must be an elliptic curve key")
    return key


def _constraints(domains: Iterable[str]) -> x509.NameConstraints:
    everywhere = [ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")]
    return x509.NameConstraints(
        [x509.DNSName(domain) for domain in sorted(domains)],
        [x509.IPAddress(network) for network in everywhere],
    )


def _is_constrained(certificate: x509.Certificate, constraints: x509.NameConstraints) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    except (ValueError, x509.ExtensionNotFound):
        return False
    return found.critical and found.value == constraints


def _signed_by(key: ec.EllipticCurvePublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def _authority(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    life: tuple[datetime, datetime],
    constraints: x509.NameConstraints,
    *,
    below: int,
) -> x509.CertificateBuilder:
    return (
        _builder(subject, issuer, key.public_key(), life)
        .add_extension(x509.BasicConstraints(ca=True, path_length=below), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(constraints, critical=True)
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    life: tuple[datetime, datetime],
) -> x509.CertificateBuilder:
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(life[0] - _SKEW)
        .not_valid_after(life[1])
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
