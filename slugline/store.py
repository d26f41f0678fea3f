"""The store: models on disk, as `models/<name>/<version>/`, with `models/<name>/CURRENT` naming the one in use.

A version's folder is written aside, flushed to disk and renamed into place, and CURRENT is replaced by a rename: a kill
at any moment leaves the old version current and loadable. Loading verifies all files first (`slugline.verification`),
maps the compiled tables into memory, which all processes share, and unpickles nothing. Only where the scikit-learn
pipeline is asked for is that unpickled, after the versions of the libraries have been found right.
"""

import io
import mmap
import os
import platform
import re
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version as library_version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from slugline import promotions
from slugline.compiled.tables import PREFIX, TablesDamaged, read_tables, write_tables
from slugline.durable import PARTIAL_PREFIX, flush, locked, sweep
from slugline.errors import InputError, ModelCorrupt, ModelError, ModelIncompatible, ModelNotFound
from slugline.manifest import (
    FORMAT_VERSION,
    MANIFEST_FILE,
    SIGNATURE_FILE,
    FileDigest,
    Manifest,
    read_manifest,
    write_manifest,
)
from slugline.model import Model
from slugline.names import DEFAULT_NAME, ScorerName
from slugline.promotions import CURRENT_FILE
from slugline.verification import verified

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from slugline.signing import SigningKey

MODEL_FILE = "model.joblib"
_LIBRARIES = ("scikit-learn", "numpy", "scipy", "joblib")
_UNPICKLED_BY = "scikit-learn"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
AGREEMENT = 1e-9
"""How far two ways to score a text may lie apart."""


def publish(
    root: Path,
    name: str,
    model: Model,
    pipeline: "Pipeline",
    extras: Mapping[str, bytes] | None = None,
    signing_key: "SigningKey | None" = None,
) -> Path:
    """Write a new version of a model and return its folder. It does not become current by that.

    `pipeline` is what the model's tables were compiled from. The model's manifest gives everything but format version,
    name, version, libraries and files, which are filled in here. `extras` are further files of the version, by name,
    `signing_key` signs it.

    Raises:
        InputError: `name` cannot be the name of a folder.
    """
    import joblib

    home = _home(root, name)
    manifest = model.manifest
    home.mkdir(parents=True, exist_ok=True)
    with locked(home):
        sweep(home)
        partial = Path(tempfile.mkdtemp(prefix=PARTIAL_PREFIX, dir=home))
        joblib.dump(pipeline, partial / MODEL_FILE, compress=("zlib", 1))
        for file_name, content in (write_tables(model.tables) | dict(extras or {})).items():
            (partial / file_name).write_bytes(content)
        version = _free_version(home, manifest)
        complete = msgspec.structs.replace(
            manifest,
            format_version=FORMAT_VERSION,
            name=name,
            version=version,
            libraries=_library_versions(),
            files={path.name: FileDigest.of(path) for path in sorted(partial.iterdir())},
        )
        write_manifest(partial, complete, signing_key)
        partial.chmod(0o755)
        for path in partial.iterdir():
            flush(path)
        flush(partial)
        partial.rename(home / version)
        flush(home)
    return home / version


def promote(root: Path, name: str, version: str) -> None:
    """Make a version the current one of its name; `lifecycle.rollback` goes back to the one before it.

    Raises:
        ModelNotFound: there is no such version.
        NotWritable: the folder cannot be written to.
    """
    home = version_folder(root, name, version).parent
    with locked(home):
        # Again, for it may have been removed while the lock was another's.
        version_folder(root, name, version)
        promotions.advance(home, version)


def current_version(root: Path, name: str) -> str | None:
    """The current version of a name, or None where it has none."""
    return promotions.current(_home(root, name))


def model_names(root: Path) -> list[str]:
    """The names of the models in a models root, sorted."""
    if not root.is_dir():
        return []
    return sorted(path.name for path in root.iterdir() if _NAME.fullmatch(path.name) and _version_folders(path))


def versions(root: Path, name: str) -> list[Manifest | ModelError]:
    """The manifests of all versions of a name, oldest first; an error stands for a version that cannot be read."""
    found: list[Manifest | ModelError] = []
    for folder in _version_folders(_home(root, name)):
        try:
            found.append(read_manifest(folder))
        except ModelError as error:
            found.append(error)
    return found


def version_names(root: Path, name: str) -> list[str]:
    """The names of all versions of a name, oldest first, those that cannot be read as well."""
    return [folder.name for folder in _version_folders(_home(root, name))]


def all_versions(path: Path) -> list[tuple[str, str]]:
    """The name and version of every model in `path`: a models root, a name's folder or a version's, as for `find`."""
    path = path.resolve()
    if (path / MANIFEST_FILE).is_file():
        return [_identity(path)]
    homes = [path / name for name in model_names(path)] or [path]
    return [_identity(folder) for home in homes for folder in _version_folders(home)]


def version_folder(root: Path, name: str, version: str) -> Path:
    """The folder of a version.

    Raises:
        ModelNotFound: there is no such version.
    """
    home = _home(root, name)
    if version not in version_names(root, name):
        raise ModelNotFound(f"{home}: has no version {version!r}; `slugline models` lists those there are")
    return home / version


def find(path: Path, name: str = DEFAULT_NAME) -> Path:
    """The folder of the version that `path` means: a version's folder, a name's folder or a models root.

    In a models root, it is the model called `name`, or the only one there is.

    Raises:
        ModelNotFound: there is none, or none is current; the message says what to do.
    """
    if (path / MANIFEST_FILE).is_file():
        return path
    if not path.is_dir():
        raise ModelNotFound(f"{path}: no such folder; train a model with `slugline train`, or name one with --model")
    if not (path / CURRENT_FILE).is_file():
        names = model_names(path)
        if name not in names and len(names) != 1:
            there = f"it holds {', '.join(names)}; name one of them" if names else "run `slugline train` first"
            raise ModelNotFound(f"{path}: no model called {name!r} here: {there}")
        path = path / (name if name in names else names[0])
    version = current_version(path.parent, path.name)
    if version is None:
        raise ModelNotFound(f"{path}: no version is current; promote one with `slugline promote`")
    if not (path / version / MANIFEST_FILE).is_file():
        raise ModelNotFound(f"{path}: CURRENT names {version!r}, which is not there; promote another version")
    return path / version


def sign(folder: Path, key: "SigningKey") -> None:
    """Sign a version that is published already; a signature that it has gives way.

    Raises:
        ModelNotFound, ModelCorrupt, ModelIncompatible: as `verify`; what is not whole is not signed.
        InputError: the signature cannot be written.
    """
    signature = key.signature_of(verified(folder).raw_manifest)
    partial = folder / f"{PARTIAL_PREFIX}{os.getpid()}-{SIGNATURE_FILE}"
    try:
        partial.write_bytes(signature)
        flush(partial)
        partial.replace(folder / SIGNATURE_FILE)
        flush(folder)
    except OSError as error:
        raise InputError(f"{folder / SIGNATURE_FILE}: cannot be written: {error.strerror}") from None


def load(folder: Path, scorer: ScorerName = "compiled", trusted_keys: Path | None = None) -> Model:
    """Load the version in `folder`; `trusted_keys`, read anew each time, are as in `verification.verified`.

    Raises:
        ModelNotFound: there is no model.
        ModelUntrusted: none of the trusted keys has signed it; nothing of it was parsed.
        ModelCorrupt: a file is missing, is not what the manifest says, or the scores are not those of the publication.
        ModelIncompatible: the pipeline is asked for, and needs another version of scikit-learn.
    """
    _, manifest, files = verified(folder, trusted_keys)
    try:
        tables = read_tables({name: content for name, content in files.items() if name.startswith(PREFIX)})
    except TablesDamaged as error:
        raise ModelCorrupt(f"{folder}: {error}; train the model again") from None
    if len(tables.biases) != len(manifest.topics):
        raise ModelCorrupt(f"{folder}: the tables have other topics than the manifest; train the model again")
    pipeline = _unpickled(folder, manifest, files) if scorer == "sklearn" else None
    model = Model(manifest, tables, pipeline)
    _check_probes(folder, model)
    return model


def verify(folder: Path) -> Manifest:
    """Check that the files of a version are what was published, whoever did.

    Raises:
        ModelNotFound, ModelCorrupt, ModelIncompatible: as `load`.
    """
    return verified(folder).manifest


def _unpickled(folder: Path, manifest: Manifest, files: Mapping[str, mmap.mmap]) -> "Pipeline":
    if MODEL_FILE not in files:
        raise ModelCorrupt(f"{folder}: its manifest lists no {MODEL_FILE}; train the model again")
    _check_libraries(folder, manifest)
    import joblib

    return joblib.load(io.BytesIO(files[MODEL_FILE]))


def _check_probes(folder: Path, model: Model) -> None:
    """The scores of the publication must come out again, on this machine and with this Python's Unicode."""
    probes = model.manifest.probes
    found = model.scores([probe.text for probe in probes])
    expected = np.array([probe.scores for probe in probes]).reshape(found.shape)
    if not np.allclose(found, expected, rtol=0, atol=AGREEMENT):
        raise ModelCorrupt(f"{folder}: gives other scores than when it was published; train the model again")


def _identity(folder: Path) -> tuple[str, str]:
    """Name and version from the manifest, for folders can be mounted anywhere; from the folder where it is damaged."""
    try:
        manifest = read_manifest(folder)
    except ModelError:
        return folder.parent.name, folder.name
    return manifest.name, manifest.version


def can_be_name(text: str) -> bool:
    """Whether a text can be the name of a model or of a version, and so of a folder."""
    return _NAME.fullmatch(text) is not None


def _home(root: Path, name: str) -> Path:
    if not can_be_name(name):
        raise InputError(f"{name!r} cannot name a model: use letters, digits, dots, dashes and underscores, at most 64")
    return root / name


def _version_folders(home: Path) -> list[Path]:
    if not home.is_dir():
        return []
    return sorted(path for path in home.iterdir() if not path.name.startswith(".") and (path / MANIFEST_FILE).is_file())


def _free_version(home: Path, manifest: Manifest) -> str:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    version = f"{stamp}-{manifest.fingerprint[:8]}"
    repeat = 1
    while (home / version).exists():
        repeat += 1
        version = f"{stamp}-{manifest.fingerprint[:8]}-{repeat}"
    return version


def _library_versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: library_version(name) for name in _LIBRARIES}


def _check_libraries(folder: Path, manifest: Manifest) -> None:
    wrote, runs = manifest.libraries.get(_UNPICKLED_BY, "unknown"), library_version(_UNPICKLED_BY)
    if wrote.split(".")[:2] != runs.split(".")[:2]:
        raise ModelIncompatible(
            f"{folder}: was written by {_UNPICKLED_BY} {wrote}, installed is {runs}; "
            f"install {wrote} or train the model again"
        )
