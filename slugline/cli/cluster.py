"""A Dask cluster that a command works on, from the client's side."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from slugline import __version__
from slugline.errors import InputError, LibraryMissing, ServerUnavailable, WorkersDied

_SECONDS_TO_CONNECT = 10


@contextmanager
def cluster(scheduler: str) -> Iterator[Any]:
    """A client of the Dask cluster whose scheduler listens at `scheduler`, as ``tcp://HOST:PORT``.

    Raises:
        LibraryMissing: Dask is not installed.
        ServerUnavailable: no scheduler answers there.
        InputError: a worker does not have this version of Slugline.
        WorkersDied: what was asked of the workers kills them.
    """
    try:
        import distributed
    except ImportError:
        raise LibraryMissing("--dask", "distributed", "dask") from None
    try:
        client = distributed.Client(scheduler, timeout=_SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ServerUnavailable(f"{scheduler}: no Dask scheduler answers there: {error}") from None
    with client:
        _check_workers(client)
        try:
            yield client
        except distributed.KilledWorker as error:
            raise WorkersDied(f"{scheduler}: workers died again and again; their logs say why: {error}") from None


def _check_workers(client: Any) -> None:
    try:
        versions: dict[str, str] = client.run(installed_version)
    except ModuleNotFoundError as error:
        raise InputError(f"the workers cannot import Slugline: {error}; install slugline[dask] there") from None
    for worker, version in versions.items():
        if version != __version__:
            raise InputError(f"{worker}: has Slugline {version}, here is {__version__}; install the same everywhere")


def installed_version() -> str:
    """The version of Slugline where this runs."""
    return __version__
