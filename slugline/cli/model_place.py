"""Where a model is that a command was given: a folder on this machine, or a URL of object storage."""

from pathlib import Path
from typing import Any, NamedTuple

import click

from slugline.object_storage import is_url


class LocalFolder(click.Path):
    """The type of an option for a folder on this machine, which a URL is not."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The folder."""
        if is_url(str(value)):
            self.fail(f"{value!r} is in object storage, which is only read; change a folder and upload it", param, ctx)
        return super().convert(value, param, ctx)


class FolderOrUrl(click.ParamType):
    """The type of an option for a folder, which becomes a Path, or a URL, which stays a text."""

    name = "path or URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | str:
        """The folder or the URL."""
        return value if is_url(str(value)) else Path(value)


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
        from slugline.mirror import Mirror, default_cache, mirror_root

        root = mirror_root(self.cache or default_cache(), self.place)
        if kept := Mirror(self.place, root, trusted_keys=trusted_keys).refresh_or_keep():
            note(f"slugline: the copy from before is used: {kept}")
        return store.find(root)
