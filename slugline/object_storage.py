"""Object storage: folders behind a URL such as ``s3://bucket/models``, read through fsspec, imported when used."""

from pathlib import Path, PurePosixPath
from typing import Any

from slugline.errors import LibraryMissing, StoreUnavailable

_EXTRA = "storage"
_LIBRARIES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs"}
_IN_THE_EXTRA = ("fsspec", "s3fs")
_IMPATIENT = {"config_kwargs": {"connect_timeout": 3, "read_timeout": 20, "retries": {"max_attempts": 1}}}
"""For s3fs, which tries five times itself; a server must not wait minutes for a store that is down."""


def is_url(place: str) -> bool:
    """Whether a place is a URL, and not a path on this machine."""
    return "://" in place


class RemoteFolder:
    """A folder behind a URL of any scheme that fsspec knows. Nothing of it is remembered: every call asks the store.

    Raises:
        LibraryMissing: the library for the scheme is not installed.
        StoreUnavailable: there is no such scheme.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        scheme = url.partition("://")[0]
        library = "fsspec"
        try:
            import fsspec

            library = _LIBRARIES.get(scheme, scheme)
            patience = _IMPATIENT if library == "s3fs" else {}
            self._files, path = fsspec.core.url_to_fs(self.url, use_listings_cache=False, **patience)
        except ImportError:
            raise LibraryMissing(
                f"a model at {scheme}://", library, _EXTRA if library in _IN_THE_EXTRA else ""
            ) from None
        except ValueError as error:
            raise StoreUnavailable(f"{url}: is no URL of object storage that fsspec knows: {error}") from None
        self._path = str(path).rstrip("/")

    def read(self, name: str, most: int) -> bytes | None:
        """The first `most` bytes of a file, or None where there is no such file.

        Raises:
            StoreUnavailable: the store does not answer, or refuses.
        """
        try:
            content: bytes = self._files.cat_file(self._at(name), start=0, end=most)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        except Exception as error:  # each library has errors of its own
            raise self._unavailable(error) from None
        return content

    def sizes(self, name: str = "") -> dict[str, int | None]:
        """What is in the folder, or in one in it: the size of each file in bytes, None for a folder.

        Raises:
            StoreUnavailable: the store does not answer, or refuses.
        """
        path = self._at(name)
        try:
            self._files.invalidate_cache()
            found: list[dict[str, Any]] = self._files.ls(path, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except Exception as error:
            raise self._unavailable(error) from None
        return {
            PurePosixPath(entry["name"]).name: None if entry["type"] == "directory" else int(entry["size"] or 0)
            for entry in found
            if entry["name"].strip("/") != path.strip("/")
        }

    def download(self, name: str, to: Path) -> None:
        """Write a file of the folder to `to`.

        Raises:
            StoreUnavailable: the store does not answer, or refuses, or `to` cannot be written.
        """
        try:
            self._files.get_file(self._at(name), str(to))
        except Exception as error:
            raise self._unavailable(error) from None

    def _at(self, name: str) -> str:
        return f"{self._path}/{name}" if name else self._path

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(f"{self.url}: cannot be read: {str(error) or type(error).__name__}")
