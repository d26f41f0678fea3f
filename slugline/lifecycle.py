"""The life of the versions of a name after their promotion: going back to one, and removing those no longer needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slugline import promotions, store
from slugline.durable import PARTIAL_PREFIX, flush, locked, sweep
from slugline.errors import CannotPrune, CannotRollBack, ModelError, ModelNotFound

_ANOTHER = "`slugline promote` takes any version that `slugline models` lists"


@dataclass(frozen=True, slots=True)
class Rollback:
    """The version that is current now, and the one that was."""

    version: str
    before: str | None


@dataclass(frozen=True, slots=True)
class Pruning:
    """The versions that stay and those that were removed, oldest first, and the size of the latter in bytes."""

    kept: tuple[str, ...]
    removed: tuple[str, ...]
    removed_bytes: int


def rollback(root: Path, name: str, trusted_keys: Path | None = None) -> Rollback:
    """Make the version current again that was before the current one; doing so again goes further back.

    Raises:
        CannotRollBack: there is no such version, or it is gone, damaged or untrusted; nothing was changed.
        ModelNotFound, NotWritable: there is no such model, or its folder cannot be written to.
    """
    home = _home(root, name)
    with locked(home):
        before, version = promotions.current(home), promotions.predecessor(home)
        if version is None:
            raise CannotRollBack(f"{home}: no version was current before {before or 'this'}; {_ANOTHER}")
        if not (home / version).is_dir():
            raise CannotRollBack(f"{home}: {version} was current before {before}, but has been removed; {_ANOTHER}")
        try:
            store.load(home / version, trusted_keys=trusted_keys)
        except ModelError as error:
            raise CannotRollBack(f"cannot go back to {version}: {error}; nothing was changed; {_ANOTHER}") from None
        promotions.step_back(home)
    return Rollback(version, before)


def prune(root: Path, name: str, newest: int = 0, keep: Sequence[str] = (), *, dry_run: bool = False) -> Pruning:
    """Remove versions of a name; a dry run only says which.

    The current version and its predecessor stay, and so do the `newest` newest and those that `keep` names. Each
    version is set aside at once, as a whole, and then deleted; whoever has mapped its files can go on reading them.

    Raises:
        ModelNotFound: there is no such model, or `keep` names a version that is not there; nothing was removed.
        CannotPrune: no version is current, or it is damaged and another may be needed; nothing was removed.
        NotWritable: the folder cannot be written to.
    """
    home = _home(root, name)
    with locked(home):
        _check_current(home)
        there = store.version_names(root, name)
        for version in keep:
            if version not in there:
                raise ModelNotFound(f"{home}: has no version {version!r} to keep; nothing was removed")
        stay = {promotions.current(home), promotions.predecessor(home), *keep, *there[max(0, len(there) - newest) :]}
        removed = tuple(version for version in there if version not in stay)
        size = sum(_size(home / version) for version in removed)
        if not dry_run:
            _remove(home, removed)
    return Pruning(tuple(version for version in there if version in stay), removed, size)


def _home(root: Path, name: str) -> Path:
    if not store.version_names(root, name):
        raise ModelNotFound(f"{root / name}: no such model; `slugline models` lists those there are")
    return root / name


def _check_current(home: Path) -> None:
    """What may be the only version of use must not be removed."""
    current = promotions.current(home)
    if current is None:
        raise CannotPrune(f"{home}: no version is current; promote one with `slugline promote` first")
    try:
        store.verify(home / current)
    except ModelError as error:
        raise CannotPrune(f"the current version is of no use, another may be needed: {error}") from None


def _remove(home: Path, versions: Sequence[str]) -> None:
    sweep(home)
    for version in versions:
        (home / version).rename(home / (PARTIAL_PREFIX + version))
    flush(home)
    sweep(home)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
