"""Where a model is that a command was given: a folder on this machine, or a URL of object storage."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from slugline.object_storage import is_url

if TYPE_CHECKING:
    from slugline.mirror import Mirror


class LocalFolder(click.Path):
    """The type of an option for a folder on this machine, which a URL is not."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The folder."""
        if is_url(str(value)):
            self.fail(f"{value!r} is in object storage, which is only read; change a folder and upload it", param, ctx)
        return super().convert(value, param, ctx)


class FolderOrUrl(click.Path):
    """The type of an option for a folder, which becomes a Path, or a URL, which stays a text."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The folder or the URL."""
        return value if is_url(str(value)) else super().convert(value, param, ctx)


class ModelPlace(NamedTuple):
    """A version, a name or all models, in a folder or behind a URL; `cache` is where copies of the latter are kept."""

    place: Path | str
    cache: Path | None = None

    def find(self, trusted_keys: Path | None) -> Path:
        """The folder of the version that is meant, downloaded first where it is behind a URL.

        Raises:
            ModelError, InputError: as `store.find` and `mirror.Mirror`.
        """
        from slugline import store

        if isinstance(self.place, Path):
            return store.find(self.place)
        from slugline.cli.terminal import note

        mirror = self._mirror(self.place, trusted_keys)
        if kept := mirror.refresh_or_keep():
            note(f"slugline: the copy from before is used: {kept}")
        return store.find(mirror.root)

    def pinned(self, trusted_keys: Path | None) -> tuple[Path, str]:
        """The folder of the version that is meant now, and the folder or URL where other machines find the same.

        Raises:
            ModelError, InputError: as `find`; a copy from before is of no use to others.
        """
        from slugline import store

        if isinstance(self.place, Path):
            folder = store.find(self.place).resolve()
            return folder, str(folder)
        mirror = self._mirror(self.place, trusted_keys)
        mirror.refresh()
        return store.find(mirror.root), mirror.current_url

    def _mirror(self, url: str, trusted_keys: Path | None) -> "Mirror":
        from slugline.mirror import Mirror, default_cache, mirror_root

        return Mirror(url, mirror_root(self.cache or default_cache(), url), trusted_keys=trusted_keys)
