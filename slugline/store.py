"""The store: models on disk, as `models/<name>/<version>/`, with `models/<name>/CURRENT` naming the one in use.

A version's folder is written aside, flushed to disk and renamed into place, and CURRENT is replaced by a rename: a kill
at any moment leaves the old version current and loadable. Loading checks the manifest, then the digest of every file;
it maps the compiled tables into memory, which all processes share, and unpickles nothing. Only where the scikit-learn
pipeline is asked for is that unpickled, after the versions of the libraries have been found right.
"""

import hashlib
import io
import mmap
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
from slugline.durable import PARTIAL_PREFIX as _PARTIAL_PREFIX
from slugline.durable import flush as _flush
from slugline.durable import locked as _locked
from slugline.durable import sweep as _sweep
from slugline.errors import InputError, ModelCorrupt, ModelError, ModelIncompatible, ModelNotFound
from slugline.manifest import FORMAT_VERSION, MANIFEST_FILE, FileDigest, Manifest, read_manifest, write_manifest
from slugline.model import Model
from slugline.names import DEFAULT_NAME, ScorerName
from slugline.promotions import CURRENT_FILE

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

MODEL_FILE = "model.joblib"
_LIBRARIES = ("scikit-learn", "numpy", "scipy", "joblib")
_UNPICKLED_BY = "scikit-learn"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
AGREEMENT = 1e-9
"""How far two ways to score a text may lie apart."""


def publish(
    root: Path, name: str, model: Model, pipeline: "Pipeline", extras: Mapping[str, bytes] | None = None
) -> Path:
    """Write a new version of a model and return its folder. It does not become current by that.

    `pipeline` is what the model's tables were compiled from. The model's manifest gives everything but format version,
    name, version, libraries and files, which are filled in here. `extras` are further files of the version, by name.

    Raises:
        InputError: `name` cannot be the name of a folder.
    """
    import joblib

    home = _home(root, name)
    manifest = model.manifest
    home.mkdir(parents=True, exist_ok=True)
    with _locked(home):
        _sweep(home)
        partial = Path(tempfile.mkdtemp(prefix=_PARTIAL_PREFIX, dir=home))
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
            files={path.name: _file_digest(path) for path in sorted(partial.iterdir())},
        )
        write_manifest(partial, complete)
        partial.chmod(0o755)
        for path in partial.iterdir():
            _flush(path)
        _flush(partial)
        partial.rename(home / version)
        _flush(home)
    return home / version


def promote(root: Path, name: str, version: str) -> None:
    """Make a version the current one of its name; `lifecycle.rollback` goes back to the one before it.

    Raises:
        ModelNotFound: there is no such version.
        NotWritable: the folder cannot be written to.
    """
    home = version_folder(root, name, version).parent
    with _locked(home):
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


def load(folder: Path, scorer: ScorerName = "compiled") -> Model:
    """Load the version in `folder`.

    Raises:
        ModelNotFound: there is no model.
        ModelCorrupt: a file is missing, is not what the manifest says, or the scores are not those of the publication.
        ModelIncompatible: the pipeline is asked for, and needs another version of scikit-learn.
    """
    manifest, files = _verified_files(folder)
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
    """Check that the files of a version are what was published.

    Raises:
        ModelNotFound, ModelCorrupt: as `load`.
    """
    return _verified_files(folder)[0]


def _unpickled(folder: Path, manifest: Manifest, files: Mapping[str, mmap.mmap]) -> "Pipeline":
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


def _verified_files(folder: Path) -> tuple[Manifest, dict[str, mmap.mmap]]:
    manifest = read_manifest(folder)
    for name in manifest.files:
        if name != Path(name).name:
            raise ModelCorrupt(f"{folder / MANIFEST_FILE}: names {name!r}, a file outside of the model's folder")
    files = {name: _verified(folder / name, digest) for name, digest in manifest.files.items()}
    if MODEL_FILE not in files:
        raise ModelCorrupt(f"{folder / MANIFEST_FILE}: lists no {MODEL_FILE}; train the model again")
    return manifest, files


def _home(root: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
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


def _file_digest(path: Path) -> FileDigest:
    content = path.read_bytes()
    return FileDigest(hashlib.sha256(content).hexdigest(), len(content))


def _verified(path: Path, digest: FileDigest) -> mmap.mmap:
    """The bytes of a file, mapped once, so that what is used is what was verified."""
    try:
        with path.open("rb") as file:
            # An empty file cannot be mapped, and none is ever published.
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else None
    except OSError as error:
        raise ModelCorrupt(f"{path}: is missing or cannot be read: {error.strerror}; restore the model") from None
    if content is None or len(content) != digest.size or hashlib.sha256(content).hexdigest() != digest.sha256:
        raise ModelCorrupt(
            f"{path}: is not the file that was published: it has {len(content or b'')} bytes of {digest.size}, "
            f"or its SHA-256 is not {digest.sha256[:12]}...; restore the file or train the model again"
        )
    return content


def _check_libraries(folder: Path, manifest: Manifest) -> None:
    wrote, runs = manifest.libraries.get(_UNPICKLED_BY, "unknown"), library_version(_UNPICKLED_BY)
    if wrote.split(".")[:2] != runs.split(".")[:2]:
        raise ModelIncompatible(
            f"{folder}: was written by {_UNPICKLED_BY} {wrote}, installed is {runs}; "
            f"install {wrote} or train the model again"
        )
