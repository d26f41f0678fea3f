"""Signatures: who vouches for a model.

A signature covers the exact bytes of a manifest, and the manifest holds the SHA-256 of every other file of its version,
so one signature vouches for all of them. It stands beside the manifest as `manifest.sig`, one line of JSON:

    {"algorithm":"ed25519","key":KEY_ID,"manifest_sha256":HEX,"signature":BASE64}

A key's id is the SHA-256, in hex, of its public key in DER form (SubjectPublicKeyInfo). The manifest's digest is there
to tell a changed manifest from a forged signature, nothing relies on it. Keys are Ed25519 (RFC 8032), in PEM files.

This module imports `cryptography`; import it where a key is in play, and nowhere else.
"""

import base64
import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from slugline.errors import KeyFileError, ModelUntrusted
from slugline.manifest import SIGNATURE_FILE

PASSPHRASE_VARIABLE = "SLUGLINE_KEY_PASSPHRASE"  # noqa: S105 - the name of the variable, no passphrase
_MOST_SIGNATURE_BYTES = 1024
_PUBLIC_SUFFIXES = {".pub", ".pem"}
_BEGIN = b"-----BEGIN "
_PUBLIC_BLOCK = re.compile(rb"-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----")

PublicKeys = Mapping[str, Ed25519PublicKey]
"""Public keys by their ids."""


class _Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    algorithm: Literal["ed25519"]
    key: str
    manifest_sha256: str
    signature: str

    def line(self) -> bytes:
        return msgspec.json.encode(self) + b"\n"


class SigningKey:
    """A private key, with which models are signed. Neither its repr nor an error shows what is in it."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key()
        self.key_id = key_id(self.public)

    @classmethod
    def new(cls) -> "SigningKey":
        """A key that nobody has yet."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, path: Path, passphrase: bytes = b"") -> "SigningKey":
        """The private key in a PEM file; `passphrase` opens it where it is encrypted.

        Raises:
            KeyFileError: there is none, it is of another kind, or the passphrase does not open it.
        """
        content = _content(path)
        encrypted = b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in content
        if encrypted and not passphrase:
            raise KeyFileError(f"{path}: is encrypted; put its passphrase into {PASSPHRASE_VARIABLE}")
        try:
            private = serialization.load_pem_private_key(content, passphrase if encrypted else None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            private = None
        if isinstance(private, Ed25519PrivateKey):
            return cls(private)
        if encrypted:
            raise KeyFileError(f"{path}: is damaged, or {PASSPHRASE_VARIABLE} does not hold its passphrase")
        raise KeyFileError(f"{path}: is not an Ed25519 private key in PEM form; make one with `slugline keys new`")

    def write(self, path: Path, passphrase: bytes = b"") -> Path:
        """Write the private key to `path`, for its owner alone, and the public key beside it, whose path is returned.

        `passphrase`, where it is not empty, encrypts the private key.

        Raises:
            KeyFileError: one of the files is there already, or cannot be written; neither was changed.
        """
        public_path = path.with_name(path.name + ".pub")
        encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        private_pem = self._private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )
        _write_new(public_path, public_pem(self.public), mode=0o644)
        try:
            _write_new(path, private_pem, mode=0o600)
        except KeyFileError:
            public_path.unlink()
            raise
        return public_path

    def signature_of(self, manifest: bytes) -> bytes:
        """What `manifest.sig` holds where this key vouches for a manifest."""
        signature = base64.b64encode(self._private.sign(manifest)).decode()
        return _Signature("ed25519", self.key_id, hashlib.sha256(manifest).hexdigest(), signature).line()

    def has_signed(self, folder: Path, manifest: bytes) -> bool:
        """Whether the signature in `folder` is this key's own, of that manifest."""
        try:
            _check(folder, manifest, {self.key_id: self.public})
        except ModelUntrusted:
            return False
        return True


def check_signature(folder: Path, manifest: bytes, trusted_keys: Path) -> None:
    """Check that one of the keys at `trusted_keys`, read anew each time, has signed the manifest of `folder`.

    Raises:
        ModelUntrusted: it has no signature, or none that counts, or the keys cannot be read.
    """
    try:
        keys = public_keys(trusted_keys)
    except KeyFileError as error:
        raise ModelUntrusted(f"{folder}: cannot be trusted without trusted keys: {error}") from None
    _check(folder, manifest, keys)


def public_keys(path: Path) -> PublicKeys:
    """The public keys of a PEM file that holds one or several, or of the `.pub` and `.pem` files of a folder.

    Raises:
        KeyFileError: there is none, or anything there is not an Ed25519 public key; then none counts.
    """
    keys = {key_id(key): key for file in _files(path) for key in _keys_in(file)}
    if not keys:
        raise KeyFileError(f"{path}: holds no public key in a .pub or .pem file; `slugline keys new` makes one")
    return keys


def holds_private_key(path: Path) -> bool:
    """Whether a PEM file holds a private key of any kind.

    Raises:
        KeyFileError: it cannot be read.
    """
    return path.is_file() and b"PRIVATE KEY-----" in _content(path)


def key_id(key: Ed25519PublicKey) -> str:
    """The id of a key: the SHA-256, in hex, of its public key in DER form."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def public_pem(key: Ed25519PublicKey) -> bytes:
    """A public key in PEM form."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _check(folder: Path, manifest: bytes, keys: PublicKeys) -> None:
    path = folder / SIGNATURE_FILE
    signature, signed = _read_signature(path)
    if signature.key not in keys:
        raise ModelUntrusted(
            f"{path}: is by the key {signature.key!r:.66}, which is not trusted; trusted are {', '.join(sorted(keys))}"
        )
    if signature.manifest_sha256 != hashlib.sha256(manifest).hexdigest():
        raise ModelUntrusted(f"{folder}: its manifest is not the one that was signed; restore the model")
    try:
        keys[signature.key].verify(signed, manifest)
    except InvalidSignature:
        raise ModelUntrusted(
            f"{path}: is forged: the key it names did not sign this manifest; restore the model"
        ) from None


def _read_signature(path: Path) -> tuple[_Signature, bytes]:
    """The signature in a file, and its 64 bytes. Only what signing writes, to the byte, is taken for one."""
    try:
        with path.open("rb") as file:
            line = file.read(_MOST_SIGNATURE_BYTES)
    except FileNotFoundError:
        raise ModelUntrusted(
            f"{path.parent}: is not signed; sign it with `slugline keys sign` if you trust it, or train it with --sign"
        ) from None
    except OSError as error:
        raise ModelUntrusted(f"{path}: cannot be read: {error.strerror}") from None
    try:
        signature = msgspec.json.decode(line, type=_Signature)
        signed = base64.b64decode(signature.signature, validate=True)
        # Base64 and JSON spell the same in many ways.
        canonical = msgspec.structs.replace(signature, signature=base64.b64encode(signed).decode())
        if canonical.line() != line:
            raise ValueError
    except (msgspec.DecodeError, ValueError):
        raise ModelUntrusted(f"{path}: is damaged: it is not what signing writes; restore the model") from None
    return signature, signed


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    try:
        return sorted(file for file in path.iterdir() if file.suffix in _PUBLIC_SUFFIXES and file.is_file())
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read: {error.strerror}") from None


def _keys_in(path: Path) -> list[Ed25519PublicKey]:
    content = _content(path)
    if b"PRIVATE KEY-----" in content:
        raise KeyFileError(f"{path}: holds a private key, where only public ones belong; put its .pub file there")
    blocks = _PUBLIC_BLOCK.findall(content)
    keys = []
    for number, block in enumerate(blocks, start=1):
        try:
            key = serialization.load_pem_public_key(block)
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PublicKey):
            raise KeyFileError(f"{path}: key {number} in it is not an Ed25519 public key")
        keys.append(key)
    if not keys or content.count(_BEGIN) != len(blocks):
        raise KeyFileError(f"{path}: holds something else than public keys in PEM form, or a damaged one")
    return keys


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read: {error.strerror}") from None


def _write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that must not be there yet, with this mode from its first moment on."""
    try:
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb")
    except FileExistsError:
        raise KeyFileError(f"{path}: is there already, and no key is ever overwritten; choose another name") from None
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        with file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink()
        raise KeyFileError(f"{path}: cannot be written: {error.strerror}") from None
