"""What builds an image and runs it, whichever program does it."""

import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TAG = "slugline"

Finished = subprocess.CompletedProcess[str]


class CannotBuild(Exception):
    """The machine lacks what building takes; the text says what."""


class Engine(ABC):
    """One built image, and the containers made of it.

    Containers have the image's own user, a read-only root, memory at /tmp, `folder` read-only at /mnt, no capability
    and no network. `scratch` is where whatever is large may be kept until the end.
    """

    def __init__(self, scratch: Path, folder: Path) -> None:
        self.scratch, self.folder = scratch, folder

    @abstractmethod
    def build(self, context: Path, base: str | None, certificates: Path | None) -> None:
        """Build the Dockerfile of `context`.

        `base` names another base image, or a folder of one, than it does; `certificates` is a file of the authorities
        to trust while packages are fetched, and no part of the image.
        """

    @abstractmethod
    def configuration(self) -> dict[str, Any]:
        """What the image says of itself: `User`, `Env`, `Entrypoint`, `Cmd`, `Healthcheck`."""

    @abstractmethod
    def root(self) -> Path:
        """A folder with the files of the image, for reading."""

    @abstractmethod
    def run(self, *command: str) -> Finished:
        """Run a command in a container of its own, to its end."""

    @abstractmethod
    def start(self, variables: Mapping[str, str]) -> None:
        """Start a container as the image says, without arguments but with these environment variables more."""

    @abstractmethod
    def execute(self, *command: str) -> Finished:
        """Run a command in the container that was started."""

    @abstractmethod
    def stop(self) -> int:
        """Send SIGTERM to the container that was started; returns its exit status."""

    @abstractmethod
    def save(self, archive: Path) -> None:
        """Write the image to a file that `docker load` reads."""

    @abstractmethod
    def close(self) -> None:
        """Leave nothing running or mounted."""


def finish(*command: str, env: dict[str, str] | None = None) -> Finished:
    """Run a command to its end, whatever that is."""
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


def output(*command: str, env: dict[str, str] | None = None) -> str:
    """What a command prints. Raises CannotBuild if it fails."""
    finished = finish(*command, env=env)
    if finished.returncode != 0:
        raise CannotBuild(f"{' '.join(command)}: {finished.stderr.strip() or f'exit status {finished.returncode}'}")
    return finished.stdout


def secrets(certificates: Path | None) -> list[str]:
    """The options that lend a file of certificates to a build."""
    return ["--secret", f"id=certificates,src={certificates.absolute()}"] if certificates else []
