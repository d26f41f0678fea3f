import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from slugline.errors import KeyFileError, ModelUntrusted
from slugline.manifest import MANIFEST_FILE, SIGNATURE_FILE
from slugline.signing import SigningKey, check_signature, key_id, public_keys, public_pem

MANIFEST = b'{"format_version": 2,\n "name": "default"}\n'


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return SigningKey.new()


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Path:
    path = tmp_path_factory.mktemp("keys") / "release.key"
    return key.write(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for manifests and signatures, which every example writes anew."""
    return tmp_path_factory.mktemp("version")


def check(folder: Path, manifest: bytes, signature: bytes, trusted: Path) -> None:
    (folder / MANIFEST_FILE).write_bytes(manifest)
    (folder / SIGNATURE_FILE).write_bytes(signature)
    check_signature(folder, manifest, trusted)


def test_a_signed_manifest_is_trusted(folder: Path, key: SigningKey, trusted: Path) -> None:
    check(folder, MANIFEST, key.signature_of(MANIFEST), trusted)
    assert key.has_signed(folder, MANIFEST)
    assert not SigningKey.new().has_signed(folder, MANIFEST)
    assert not key.has_signed(folder, MANIFEST + b" ")


@given(place=st.integers(0, len(MANIFEST) - 1), byte=st.integers(0, 255), what=st.sampled_from(["set", "add", "drop"]))
def test_any_change_of_a_byte_of_the_manifest_is_refused(
    folder: Path, key: SigningKey, trusted: Path, place: int, byte: int, what: str
) -> None:
    rest = MANIFEST[place if what == "add" else place + 1 :]
    changed = MANIFEST[:place] + (b"" if what == "drop" else bytes([byte])) + rest
    if changed != MANIFEST:
        with pytest.raises(ModelUntrusted, match="its manifest is not the one that was signed"):
            check(folder, changed, key.signature_of(MANIFEST), trusted)


def test_every_change_of_a_bit_of_the_signature_is_refused(folder: Path, key: SigningKey, trusted: Path) -> None:
    signature = key.signature_of(MANIFEST)
    for place in range(len(signature)):
        for bit in range(8):
            changed = bytearray(signature)
            changed[place] ^= 1 << bit
            with pytest.raises(ModelUntrusted):
                check(folder, MANIFEST, bytes(changed), trusted)


@given(place=st.integers(0, 10_000), byte=st.integers(0, 255), what=st.sampled_from(["set", "add", "drop"]))
def test_any_change_of_a_byte_of_the_signature_is_refused(
    folder: Path, key: SigningKey, trusted: Path, place: int, byte: int, what: str
) -> None:
    signature = key.signature_of(MANIFEST)
    place %= len(signature)
    rest = signature[place if what == "add" else place + 1 :]
    changed = signature[:place] + (b"" if what == "drop" else bytes([byte])) + rest
    if changed != signature:
        with pytest.raises(ModelUntrusted):
            check(folder, MANIFEST, changed, trusted)


@given(st.binary(max_size=2000))
def test_what_is_no_signature_is_refused(folder: Path, trusted: Path, content: bytes) -> None:
    with pytest.raises(ModelUntrusted, match="is damaged"):
        check(folder, MANIFEST, content, trusted)


def test_each_reason_not_to_trust_has_words_of_its_own(folder: Path, key: SigningKey, trusted: Path) -> None:
    good, stranger = key.signature_of(MANIFEST), SigningKey.new()
    forged = stranger.signature_of(MANIFEST).replace(stranger.key_id.encode(), key.key_id.encode())
    cases = {
        f"by the key '{stranger.key_id}', which is not trusted; trusted are {key.key_id}": (
            MANIFEST,
            stranger.signature_of(MANIFEST),
        ),
        "its manifest is not the one that was signed": (MANIFEST + b" ", good),
        "is forged": (MANIFEST, forged),
        "is damaged": (MANIFEST, good.rstrip()),
    }
    for words, (manifest, signature) in cases.items():
        with pytest.raises(ModelUntrusted, match=words):
            check(folder, manifest, signature, trusted)
    (folder / SIGNATURE_FILE).unlink()
    with pytest.raises(ModelUntrusted, match="is not signed; sign it with `slugline keys sign`"):
        check_signature(folder, MANIFEST, trusted)


def test_several_keys_are_trusted_from_one_file_or_a_folder(folder: Path, tmp_path: Path) -> None:
    old, new = SigningKey.new(), SigningKey.new()
    both = tmp_path / "both.pem"
    both.write_bytes(b"the old one\n" + public_pem(old.public) + b"\nthe new one\n" + public_pem(new.public))
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "old.pub").write_bytes(public_pem(old.public))
    (keys / "new.pem").write_bytes(public_pem(new.public))
    (keys / "README").write_text("what these are")
    for trusted in (both, keys):
        assert set(public_keys(trusted)) == {old.key_id, new.key_id}
        for key in (old, new):
            check(folder, MANIFEST, key.signature_of(MANIFEST), trusted)
    (keys / "old.pub").unlink()
    with pytest.raises(ModelUntrusted, match="not trusted"):
        check(folder, MANIFEST, old.signature_of(MANIFEST), keys)


def private_pem(private: Ed25519PrivateKey | X25519PrivateKey | rsa.RSAPrivateKey) -> bytes:
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return private.private_bytes(serialization.Encoding.PEM, pkcs8, plain)


GOOD = public_pem(SigningKey.new().public)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "something else than public keys"),
        (b"ssh-ed25519 AAAA", "something else than public keys"),
        (GOOD + GOOD[:-10], "or a damaged one"),
        (GOOD + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "something else"),
        (GOOD + GOOD.replace(b"MCow", b"MCox"), "key 2 in it is not an Ed25519 public key"),
        (GOOD + private_pem(Ed25519PrivateKey.generate()), "holds a private key"),
    ],
)
def test_a_file_of_trusted_keys_that_is_not_whole_trusts_none(
    folder: Path, tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "trusted.pem"
    path.write_bytes(content)
    with pytest.raises(KeyFileError, match=words):
        public_keys(path)
    with pytest.raises(ModelUntrusted, match=words):
        check(folder, MANIFEST, b"", path)


def test_trusted_keys_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "trusted.pem"
    public = rsa.generate_private_key(65537, 2048).public_key()
    path.write_bytes(public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(KeyFileError, match="key 1 in it is not an Ed25519 public key"):
        public_keys(path)


@pytest.mark.parametrize("there", [True, False])
def test_where_there_are_no_trusted_keys_no_model_is_trusted(folder: Path, tmp_path: Path, there: bool) -> None:
    path = tmp_path / "keys"
    if there:
        path.mkdir()
    with pytest.raises(ModelUntrusted, match="holds no public key" if there else "No such file"):
        check(folder, MANIFEST, SigningKey.new().signature_of(MANIFEST), path)


@pytest.mark.parametrize("passphrase", [b"", "süß".encode()])
def test_a_key_is_written_for_its_owner_alone_and_read_again(tmp_path: Path, passphrase: bytes) -> None:
    key, path = SigningKey.new(), tmp_path / "release.key"
    public = key.write(path, passphrase)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert public == tmp_path / "release.key.pub"
    assert SigningKey.read(path, passphrase).key_id == key.key_id
    assert SigningKey.read(path, passphrase).signature_of(MANIFEST) == key.signature_of(MANIFEST)
    assert set(public_keys(public)) == {key.key_id}
    if passphrase:
        with pytest.raises(KeyFileError, match="is encrypted; put its passphrase into SLUGLINE_KEY_PASSPHRASE"):
            SigningKey.read(path)
        with pytest.raises(KeyFileError, match="SLUGLINE_KEY_PASSPHRASE does not hold its passphrase"):
            SigningKey.read(path, b"wrong")


@pytest.mark.parametrize("taken", ["release.key", "release.key.pub"])
def test_no_key_is_ever_overwritten(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_text("precious")
    with pytest.raises(KeyFileError, match=f"{taken}: is there already"):
        SigningKey.new().write(tmp_path / "release.key")
    assert [path.name for path in tmp_path.iterdir()] == [taken]
    assert (tmp_path / taken).read_text() == "precious"


def test_what_is_no_private_key_is_refused_without_showing_it(tmp_path: Path) -> None:
    path = tmp_path / "release.key"
    whole = private_pem(Ed25519PrivateKey.generate())
    for content in (b"", GOOD, private_pem(X25519PrivateKey.generate()), whole.replace(b"MC4C", b"MC4D")):
        path.write_bytes(content)
        with pytest.raises(KeyFileError, match="is not an Ed25519 private key") as refused:
            SigningKey.read(path)
        secret = content.decode().splitlines()[1:2]
        assert not any(line in str(refused.value) for line in secret)
    with pytest.raises(KeyFileError, match="No such file"):
        SigningKey.read(tmp_path / "none")


def test_a_key_shows_nothing_of_itself(key: SigningKey, trusted: Path) -> None:
    secret = trusted.with_suffix("").read_text().splitlines()[1]
    assert secret not in repr(key) + str(vars(key))


def test_ids_are_what_openssl_and_sha256sum_say(tmp_path: Path, key: SigningKey, trusted: Path) -> None:
    loaded = serialization.load_pem_public_key(trusted.read_bytes())
    assert isinstance(loaded, Ed25519PublicKey)
    assert key_id(loaded) == key.key_id
    der = loaded.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.der").write_bytes(der)
    summed = subprocess.run(["sha256sum", tmp_path / "key.der"], capture_output=True, text=True, check=True)
    assert summed.stdout.split()[0] == key.key_id
