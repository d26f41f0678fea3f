import base64
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from slugline.certificates import check_authorities, check_pair
from slugline.errors import CertificateFileError
from tests.authority import Authority, Key, Pair, key_pem, new_key


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def check(pair: Pair) -> None:
    check_pair(pair.cert, pair.cert.read_bytes(), pair.key, pair.key.read_bytes())


USABLE: list[Key] = [rsa.generate_private_key(65537, 2048), new_key(), ec.generate_private_key(ec.SECP384R1())]
UNUSABLE: list[Key] = [
    rsa.generate_private_key(65537, 1024),
    ec.generate_private_key(ec.SECP521R1()),
    ec.generate_private_key(ec.SECP256K1()),
    ed25519.Ed25519PrivateKey.generate(),
]


@pytest.mark.parametrize("key", USABLE, ids=lambda key: type(key).__name__)
def test_pairs_that_fit_are_taken_with_their_chain(authority: Authority, key: Key) -> None:
    pair = authority.issue("server", key=key)
    pair.cert.write_bytes(pair.cert.read_bytes() + authority.path.read_bytes())
    check(pair)


@pytest.mark.parametrize("key", UNUSABLE, ids=lambda key: type(key).__name__)
def test_keys_that_no_client_can_talk_to_are_refused(authority: Authority, key: Key) -> None:
    with pytest.raises(CertificateFileError, match=r"server\.key: clients cannot use this kind of key"):
        check(authority.issue("server", key=key))


@pytest.mark.parametrize(
    ("days", "cert", "key", "message"),
    [
        (-1, None, None, r"server\.pem: the certificate expired on 20.* UTC"),
        (1, b"", None, r"server\.pem: holds no certificate"),
        (1, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", None, r"server\.pem: .* damaged"),
        (1, None, b"", r"server\.key: holds no key"),
        (1, None, b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", r"server\.key: holds no key"),
        (1, None, key_pem(new_key()), r"server\.key: does not fit the first certificate of .*server\.pem"),
        (1, None, key_pem(new_key(), b"passphrase"), r"server\.key: .* locked with a passphrase"),
    ],
)
def test_faulty_pairs_are_refused_by_name(
    authority: Authority, days: float, cert: bytes | None, key: bytes | None, message: str
) -> None:
    pair = authority.issue("server", days)
    pair.cert.write_bytes(pair.cert.read_bytes() if cert is None else cert)
    pair.key.write_bytes(pair.key.read_bytes() if key is None else key)
    with pytest.raises(CertificateFileError, match=message):
        check(pair)


def test_a_certificate_of_no_known_version_is_damaged(authority: Authority) -> None:
    pair = authority.issue("server")
    plain = x509.load_pem_x509_certificate(pair.cert.read_bytes()).public_bytes(Encoding.DER)
    odd = base64.encodebytes(plain.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x6a", 1))
    pair.cert.write_bytes(b"-----BEGIN CERTIFICATE-----\n" + odd + b"-----END CERTIFICATE-----\n")
    with pytest.raises(CertificateFileError, match="damaged"):
        check(pair)


def test_one_authority_in_its_time_is_enough(tmp_path: Path, authority: Authority) -> None:
    old = Authority(tmp_path, "old", days=-1)
    check_authorities(authority.path, old.path.read_bytes() + authority.path.read_bytes())
    with pytest.raises(CertificateFileError, match=r"old\.pem: the authority expired on"):
        check_authorities(old.path, old.path.read_bytes())
