"""Certificates and keys in PEM files, checked before they are used.

gRPC says nothing of those it cannot use but that a port could not be bound or a server not be reached, and takes keys
that no peer can talk to; so they are checked here, with words.
"""

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from slugline.errors import CertificateFileError

_CURVES = ("secp256r1", "secp384r1")
"""What gRPC accepts in a handshake; not P-521, and no Ed25519."""
_LEAST_RSA_BITS = 2048


def read_pem(path: Path) -> bytes:
    """What is in a file of certificates or a key.

    Raises:
        CertificateFileError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise CertificateFileError(f"{path}: cannot be read ({error.strerror}); name a file of your own") from None


def check_pair(cert_path: Path, chain: bytes, key_path: Path, key: bytes) -> datetime:
    """Make sure that a chain of certificates is within its time, and its first belongs to the key; when that one ends.

    Raises:
        CertificateFileError: it is not so; names the file.
    """
    certificates = _parsed(cert_path, chain)
    for certificate in certificates:
        if problem := _out_of_time(certificate):
            raise CertificateFileError(f"{cert_path}: the certificate {problem}; have a new one issued")
    try:
        private = load_pem_private_key(key, password=None)
    except TypeError:
        raise CertificateFileError(f"{key_path}: the key is locked with a passphrase; give one without") from None
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateFileError(f"{key_path}: holds no key in PEM form; give the one of {cert_path}") from None
    public = private.public_key()
    if not _usable(public):
        raise CertificateFileError(
            f"{key_path}: clients cannot use this kind of key; make one for RSA of {_LEAST_RSA_BITS} bits or more, "
            "or for the elliptic curves P-256 or P-384"
        )
    if not _fits(certificates[0], public):
        raise CertificateFileError(
            f"{key_path}: does not fit the first certificate of {cert_path}; give the key that it was issued for"
        )
    return certificates[0].not_valid_after_utc


def check_authorities(path: Path, content: bytes) -> None:
    """Make sure that one of the authorities at least is within its time.

    Raises:
        CertificateFileError: none is, or there is none.
    """
    problems = [_out_of_time(authority) for authority in _parsed(path, content)]
    if all(problems):
        raise CertificateFileError(f"{path}: the authority {problems[0]}; name one that is in its time")


def _parsed(path: Path, content: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(content)
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise CertificateFileError(f"{path}: holds no certificate in PEM form or a damaged one; name another") from None


def _out_of_time(certificate: x509.Certificate) -> str:
    now = datetime.now(UTC)
    if now > certificate.not_valid_after_utc:
        return f"expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    if now < certificate.not_valid_before_utc:
        return f"is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
    return ""


def _fits(certificate: x509.Certificate, public: object) -> bool:
    try:
        return certificate.public_key() == public
    except (ValueError, UnsupportedAlgorithm):
        return False


def _usable(public: object) -> bool:
    if isinstance(public, rsa.RSAPublicKey):
        return public.key_size >= _LEAST_RSA_BITS
    return isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in _CURVES
