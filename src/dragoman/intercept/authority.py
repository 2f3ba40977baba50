"""A certificate authority that is of no use but for the hosts it was made for.

Law of this file: keys and certificates in memory; no files, no sockets, and the time is an input.
It is imported only by ``dragoman intercept``, as ``cryptography`` is an extra.

How it works. There are two authorities. The root is what programs trust; it signs one issuer and
then its key is thrown away, never written. The issuer signs the servers' certificates. Both are
limited by critical name constraints (RFC 5280, 4.2.1.10) to the domains that are taken over, with
every IP address excluded, and to servers. So whoever steals the issuer's key can pretend to be
those domains to programs that trust the root, and nobody else. One authority would not do: Java
does not look at the constraints of a root, only at those of what the root has signed. Both last
a year, the certificates three days.
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


class Leaf(msgspec.Struct, frozen=True):
    """A server's certificate, the one it is signed with, and its key."""

    certificate: x509.Certificate
    issuer: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def pem(self, password: str) -> bytes:
        """The key, encrypted with ``password``, and both certificates, for TLS libraries."""
        lock = serialization.BestAvailableEncryption(password.encode())
        chain = self.certificate.public_bytes(_PEM) + self.issuer.public_bytes(_PEM)
        return self.key.private_bytes(_PEM, _PKCS8, lock) + chain


class Authority(msgspec.Struct, frozen=True):
    """The private certificate authority: the root without its key, and the issuer with its own."""

    root: x509.Certificate
    issuer: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls, domains: Iterable[str], now: datetime) -> Self:
        """A new authority for these domains and what lies below them."""
        root_key = ec.generate_private_key(ec.SECP256R1())
        key = ec.generate_private_key(ec.SECP256R1())
        limits = _limits(domains)
        life = (now, now + LIFE)
        # A name of its own: of two with one name, verifiers would try the wrong one.
        mark = f"{x509.random_serial_number():x}"[:8]
        root_name = _name(f"Dragoman intercept, this machine only ({mark})")
        name = _name(f"Dragoman intercept, issuer ({mark})")
        root = _authority(root_name, root_name, root_key, life, limits, below=1)
        issuer = _authority(name, root_name, key, life, limits, below=0)
        issuer = issuer.add_extension(_signed_by(root_key.public_key()), critical=False)
        return cls(
            root.sign(root_key, hashes.SHA256()), issuer.sign(root_key, hashes.SHA256()), key
        )

    @classmethod
    def load(cls, root: bytes, issuer: bytes, key: bytes) -> Self | None:
        """The authority of these PEM texts; None if they are not one, or not of one another."""
        try:
            made = cls(
                x509.load_pem_x509_certificate(root),
                x509.load_pem_x509_certificate(issuer),
                _private(key),
            )
            made.root.verify_directly_issued_by(made.root)
            made.issuer.verify_directly_issued_by(made.root)
        except (ValueError, TypeError, InvalidSignature):
            return None
        return made if made.key.public_key() == made.issuer.public_key() else None

    def is_for(self, domains: Iterable[str], now: datetime) -> bool:
        """Whether it is limited to exactly these domains and will last for a while yet."""
        limits = _limits(domains)
        return all(
            _has(certificate, limits)
            and certificate.not_valid_before_utc <= now
            and now + RENEW_BEFORE < certificate.not_valid_after_utc
            for certificate in (self.root, self.issuer)
        )

    def issue(self, names: Iterable[str], now: datetime) -> Leaf:
        """A certificate for these names (``*.name`` is allowed), with a key of its own.

        Whether the names lie within the limits is not looked at here: that is what every program
        that trusts this authority does.
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
        return Leaf(builder.sign(self.key, hashes.SHA256()), self.issuer, key)

    def root_pem(self) -> bytes:
        """What programs must trust."""
        return self.root.public_bytes(_PEM)

    def issuer_pem(self) -> bytes:
        """What stands between the root and a server's certificate."""
        return self.issuer.public_bytes(_PEM)

    def key_pem(self) -> bytes:
        """The secret."""
        return self.key.private_bytes(_PEM, _PKCS8, serialization.NoEncryption())


def end_of(pem: bytes) -> datetime:
    """When a certificate ends. Raises ``ValueError`` if it is none."""
    return x509.load_pem_x509_certificate(pem).not_valid_after_utc


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _private(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("an authority of ours has a key on a curve")
    return key


def _limits(domains: Iterable[str]) -> x509.NameConstraints:
    everywhere = [ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")]
    return x509.NameConstraints(
        [x509.DNSName(domain) for domain in sorted(domains)],
        [x509.IPAddress(network) for network in everywhere],
    )


def _has(certificate: x509.Certificate, limits: x509.NameConstraints) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    except (ValueError, x509.ExtensionNotFound):
        return False
    return found.critical and found.value == limits


def _signed_by(key: ec.EllipticCurvePublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def _authority(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    life: tuple[datetime, datetime],
    limits: x509.NameConstraints,
    *,
    below: int,
) -> x509.CertificateBuilder:
    return (
        _builder(subject, issuer, key.public_key(), life)
        .add_extension(x509.BasicConstraints(ca=True, path_length=below), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(limits, critical=True)
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
