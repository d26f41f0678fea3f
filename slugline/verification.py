"""Verification: from the folder of a version to bytes that are what was published, and by whom.

The signature is checked first, where keys are trusted, on the very bytes of the manifest that are parsed after that;
then every file is held to its digest in the manifest. What is used later is what was checked: bytes once read are not
read again.
"""

import hashlib
import mmap
import os
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from slugline.compiled.tables import PREFIX
from slugline.errors import ModelCorrupt
from slugline.manifest import MANIFEST_FILE, FileDigest, Manifest, manifest_bytes, parse_manifest


class Verified(NamedTuple):
    """A version whose files are what its manifest says, with the bytes of the manifest and of every file."""

    raw_manifest: bytes
    manifest: Manifest
    files: dict[str, mmap.mmap]


def verified(folder: Path, trusted_keys: Path | None = None) -> Verified:
    """The files of a version, once they are found to be what was published.

    `trusted_keys`, where given, are the keys of which one must have signed it: a PEM file or a folder of them. What
    stands in files can be changed by whoever may write them, also while they are mapped, so with trusted keys all of
    them are copied into memory of this process. Without, the tables are mapped, and shared by all processes.

    Raises:
        ModelNotFound: there is no model.
        ModelUntrusted: none of the trusted keys has signed it; nothing of it was parsed.
        ModelCorrupt: a file is missing or is not what the manifest says.
        ModelIncompatible: the manifest is of another format version.
    """
    raw, manifest = _trusted_manifest(folder, trusted_keys)
    for name in manifest.files:
        if name != Path(name).name:
            raise ModelCorrupt(f"{folder / MANIFEST_FILE}: names {name!r}, a file outside of the model's folder")
    files = {
        name: _verified_file(folder / name, digest, mapped=trusted_keys is None and name.startswith(PREFIX))
        for name, digest in manifest.files.items()
    }
    return Verified(raw, manifest, files)


def trusted_manifest(folder: Path, trusted_keys: Path | None = None) -> Manifest:
    """The manifest of a version, which one of the trusted keys has signed where there are any; no file is looked at.

    Raises:
        ModelNotFound, ModelUntrusted, ModelCorrupt, ModelIncompatible: as `verified`.
    """
    return _trusted_manifest(folder, trusted_keys)[1]


def _trusted_manifest(folder: Path, trusted_keys: Path | None) -> tuple[bytes, Manifest]:
    raw = manifest_bytes(folder)
    if trusted_keys is not None:
        # Whoever trusts no keys does not wait for the library of them.
        from slugline.signing import check_signature

        check_signature(folder, raw, trusted_keys)
    return raw, parse_manifest(folder, raw)


def _verified_file(path: Path, digest: FileDigest, *, mapped: bool) -> mmap.mmap:
    """The bytes of a file, taken once, so that what is used is what was verified."""
    try:
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            # An empty file cannot be mapped, and none is ever published.
            content = None
            if 0 < size == digest.size:
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if mapped else _copied(file, size)
    except OSError as error:
        raise ModelCorrupt(f"{path}: is missing or cannot be read: {error.strerror}; restore the model") from None
    if content is None or hashlib.sha256(content).hexdigest() != digest.sha256:
        raise ModelCorrupt(
            f"{path}: is not the file that was published: it has {size} bytes of {digest.size}, "
            f"or its SHA-256 is not {digest.sha256[:12]}...; restore the file or train the model again"
        )
    return content


def _copied(file: FileIO, size: int) -> mmap.mmap:
    """A file's bytes in memory of its own, which starts at a page as a mapped file does."""
    copy = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE)
    with memoryview(copy) as left:
        read = 0
        while count := file.readinto(left[read:]):
            read += count
    return copy
