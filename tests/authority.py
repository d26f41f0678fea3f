"""Certificates for tests: an authority, and what it issues."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: Key, passphrase: bytes = b"") -> bytes:
    locked = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)


def put(path: Path, content: bytes) -> None:
    """Replace a file at once, so that nobody reads half of it."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


@dataclass
class Pair:
    """The files of a certificate and its key."""

    cert: Path
    key: Path

    @property
    def serial(self) -> int:
        return x509.load_pem_x509_certificate(self.cert.read_bytes()).serial_number

    @property
    def ends(self) -> datetime:
        return x509.load_pem_x509_certificate(self.cert.read_bytes()).not_valid_after_utc

    def become(self, other: "Pair") -> None:
        """Take over the content of another pair, each file at once."""
        put(self.key, other.key.read_bytes())
        put(self.cert, other.cert.read_bytes())


class Authority:
    """Issues certificates for localhost, 127.0.0.1 and slugline.test."""

    def __init__(self, folder: Path, name: str = "authority", days: float = 1) -> None:
        self._folder, self._key, self._name = folder, new_key(), f"Test {name}"
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(self._signed(self._name, self._key, days, is_authority=True).public_bytes(Encoding.PEM))

    def issue(self, name: str, days: float = 1, key: Key | None = None) -> Pair:
        """A new certificate that ends after `days`, and its key."""
        key = key or new_key()
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        pair.cert.write_bytes(self._signed(name, key, days, is_authority=False).public_bytes(Encoding.PEM))
        pair.key.write_bytes(key_pem(key))
        return pair

    def _signed(self, name: str, key: Key, days: float, *, is_authority: bool) -> x509.Certificate:
        now = datetime.now(UTC)
        names = [x509.DNSName("localhost"), x509.DNSName("slugline.test")]
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        return (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(self._name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=30))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([*names, address]), critical=False)
            .sign(self._key, hashes.SHA256())
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
