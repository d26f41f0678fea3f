"""The mirror: the current version of a model in object storage, kept as a models root on this machine.

The bucket has the layout of a models root, and CURRENT in it says which version is current. A version is downloaded
aside, held to its signature and its digests, loaded once, and only then renamed into place and made current here; so
whatever the bucket holds or however the download ends, the last good version stays. One process at a time downloads;
the others find what it brought.
"""

import hashlib
import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from slugline import lifecycle, store
from slugline.durable import PARTIAL_PREFIX, flush, locked, sweep
from slugline.errors import CannotPrune, InputError, ModelCorrupt, ModelError, ModelNotFound, StoreUnavailable
from slugline.manifest import MANIFEST_FILE, SIGNATURE_FILE
from slugline.names import DEFAULT_NAME
from slugline.object_storage import RemoteFolder
from slugline.promotions import CURRENT_FILE
from slugline.verification import trusted_manifest, verified

_MOST_BYTES_OF_CURRENT = 1024
_MOST_BYTES_OF_MANIFEST = 64 * 2**20


def default_cache() -> Path:
    """Where copies of models are kept: in the folder that SLUGLINE_MODELS_CACHE names, or the user's one of caches."""
    if chosen := os.environ.get("SLUGLINE_MODELS_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slugline" / "models"


def mirror_root(cache: Path, url: str) -> Path:
    """The models root in the folder `cache` for what is behind `url`."""
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", url).strip("-")[-80:]
    return cache / f"{readable}-{hashlib.sha256(url.rstrip('/').encode()).hexdigest()[:12]}"


class _Target(NamedTuple):
    """A version in the store: its folder there, and what it is called here."""

    folder: str
    name: str
    version: str


class Mirror:
    """A copy, in the models root `root`, of what is behind `url`: a models root, the folder of a name, or of a version.

    In a models root it is the model called `name`, or the only one there is. `trusted_keys` are as in
    `verification.verified`.

    Raises:
        LibraryMissing: the library for the URL is not installed.
        StoreUnavailable: there is no such kind of URL.
        InputError: `root` cannot be made.
    """

    def __init__(self, url: str, root: Path, name: str = DEFAULT_NAME, trusted_keys: Path | None = None) -> None:
        self.root = root
        self._remote = RemoteFolder(url)
        self._name = name
        self._trusted_keys = trusted_keys
        self._checked: _Target | None = None
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{root}: cannot be made: {error.strerror}; name a folder for copies of models with --models-cache"
            ) from None

    def refresh(self) -> str:
        """Bring what is current in the store, and say which version that is.

        Raises:
            StoreUnavailable: the store does not answer, or refuses.
            ModelNotFound: no model is current there.
            ModelUntrusted, ModelCorrupt, ModelIncompatible: as `store.load`; the copy here stays as it was.
            NotWritable: the copy cannot be changed.
        """
        target = self._current()
        if target == self._checked:
            return target.version
        with locked(self.root):
            if not self._is_whole(target):
                self._download(target)
            if store.current_version(self.root, target.name) != target.version:
                store.promote(self.root, target.name, target.version)
            with suppress(CannotPrune):
                lifecycle.prune(self.root, target.name)
        self._checked = target
        return target.version

    @property
    def current_url(self) -> str:
        """The URL of the version that the last `refresh` found current; it means that one, whatever is promoted."""
        assert self._checked is not None  # noqa: S101
        return f"{self._remote.url}/{self._checked.folder}".rstrip("/")

    def refresh_or_keep(self) -> ModelError | None:
        """As `refresh`, but where a good copy is here from before, what went wrong is returned and not raised."""
        try:
            self.refresh()
        except ModelError as error:
            try:
                verified(store.find(self.root, self._name), self._trusted_keys)
            except ModelError:
                raise error from None
            return error
        return None

    def _current(self) -> _Target:
        """What is current in the store, in as few questions as it takes."""
        if self._checked and self._checked.folder == "":
            return self._checked  # a version is what it is
        homes = [(self._name, self._name), ("", self._last_part())]
        if self._checked:
            homes.insert(0, (self._checked.folder.rpartition("/")[0], self._checked.name))
        for home, name in homes:
            if (version := self._version_in(home)) is not None:
                return _Target(f"{home}/{version}".lstrip("/"), name, version)
        there = self._remote.sizes()
        if MANIFEST_FILE in there:
            return _Target("", self._name, self._last_part())
        names = [name for name, size in there.items() if size is None and store.can_be_name(name)]
        if len(names) == 1 and (version := self._version_in(names[0])):
            return _Target(f"{names[0]}/{version}", names[0], version)
        raise ModelNotFound(
            f"{self._remote.url}: no model called {self._name!r} is current there; "
            f"upload the folder of a model, and its {CURRENT_FILE} last"
        )

    def _version_in(self, home: str) -> str | None:
        path = f"{home}/{CURRENT_FILE}".lstrip("/")
        content = self._remote.read(path, _MOST_BYTES_OF_CURRENT)
        if content is None:
            return None
        version = content.decode(errors="replace").strip()
        if not store.can_be_name(version):
            raise ModelCorrupt(
                f"{self._remote.url}/{path}: does not name a version: {version!r:.80}; promote one again"
            )
        return version

    def _last_part(self) -> str:
        part = self._remote.url.rpartition("/")[2]
        return part if store.can_be_name(part) else self._name

    def _is_whole(self, target: _Target) -> bool:
        try:
            verified(self.root / target.name / target.version, self._trusted_keys)
        except ModelError:
            return False
        return True

    def _download(self, target: _Target) -> None:
        home = self.root / target.name
        home.mkdir(exist_ok=True)
        with locked(home):
            sweep(home)
            partial = Path(tempfile.mkdtemp(prefix=PARTIAL_PREFIX, dir=home))
            try:
                self._fill(partial, target)
                _flush_all(partial)
                _put_in_place(partial, home / target.version)
            except ModelError as error:
                # Whoever reads it knows the store, and not what was set aside here.
                there = f"{self._remote.url}/{target.folder}".rstrip("/")
                raise type(error)(str(error).replace(str(partial), there)) from None
            except OSError as error:
                raise StoreUnavailable(f"{home}: cannot be written: {error.strerror or error}") from None
            finally:
                sweep(home)

    def _fill(self, partial: Path, target: _Target) -> None:
        """Download a version, and hold it to its signature, its digests and its own scores."""
        sizes = self._remote.sizes(target.folder)
        for name in (MANIFEST_FILE, SIGNATURE_FILE):
            if name in sizes:
                content = self._remote.read(f"{target.folder}/{name}".lstrip("/"), _MOST_BYTES_OF_MANIFEST)
                (partial / name).write_bytes(content or b"")
        manifest = trusted_manifest(partial, self._trusted_keys)
        if manifest.version != target.version:
            raise ModelCorrupt(f"{partial}: its manifest is of another version, {manifest.version!r:.80}")
        for name, digest in manifest.files.items():
            # Before anything large is downloaded: an upload may still be under way.
            if name != Path(name).name or sizes.get(name) != digest.size:
                raise ModelCorrupt(
                    f"{partial / name}: is not whole there: {sizes.get(name) or 0} bytes of {digest.size}; "
                    f"upload the version again, and {CURRENT_FILE} last"
                )
        for name in manifest.files:
            self._remote.download(f"{target.folder}/{name}".lstrip("/"), partial / name)
        store.load(partial, trusted_keys=self._trusted_keys)


def _flush_all(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.iterdir():
        flush(path)
    flush(folder)


def _put_in_place(partial: Path, folder: Path) -> None:
    """A damaged copy of the same version gives way; whoever has mapped its files can go on reading them."""
    if folder.exists():
        damaged = folder.with_name(f"{PARTIAL_PREFIX}damaged-{folder.name}")
        shutil.rmtree(damaged, ignore_errors=True)
        folder.rename(damaged)
    partial.rename(folder)
    flush(folder.parent)
