"""Buildah, where no daemon runs: it needs root, keeps all in a folder, and has its base from debootstrap."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.image import container
from deploy.image.engines import TAG, CannotBuild, Engine, Finished, finish, output, secrets

_SUITE = "bookworm"
_BASE_PACKAGES = "ca-certificates,python3,python3-venv"


class Buildah(Engine):
    """An image in a storage of its own below `scratch`; containers by `container.py`."""

    _running: "subprocess.Popen[bytes] | None" = None
    _root: Path | None = None

    def build(self, context: Path, base: str | None, certificates: Path | None) -> None:
        base = base or str(self.scratch / "base")
        if base == str(self.scratch / "base") and not Path(base).exists():
            make_base(Path(base))
        if Path(base).is_dir():
            self._take_base(Path(base))
            base = f"localhost/{TAG}-base"
        options = ("--layers", "--format", "docker", "--network", "host", "--build-arg", f"BASE={base}", "--tag", TAG)
        command = [*self._buildah, "build", *options, *secrets(certificates), str(context)]
        subprocess.run(command, check=True, env=self._environment)

    def _take_base(self, folder: Path) -> None:
        """A folder as an image, unless the storage has it from a build before."""
        name = f"localhost/{TAG}-base"
        if finish(*self._buildah, "inspect", "--type", "image", name).returncode == 0:
            return
        made = self._ask("from", "scratch")
        self._ask("add", "--quiet", made, str(folder), "/")
        self._ask("config", "--env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", made)
        self._ask("commit", "--quiet", "--rm", made, name)

    def configuration(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._ask("inspect", "--type", "image", TAG))["Docker"]["config"]
        return found

    def root(self) -> Path:
        if self._root is None:
            self._root = Path(self._ask("mount", self._ask("from", "--pull-never", TAG)))
        return self._root

    def run(self, *command: str) -> Finished:
        return finish(*self._contained(command))

    def start(self, variables: Mapping[str, str]) -> None:
        configuration = self.configuration()
        added = [f"{name}={value}" for name, value in variables.items()]
        command = self._contained([*added, *configuration["Entrypoint"], *configuration["Cmd"]])
        with (self.scratch / "container.log").open("wb") as log:
            self._running = subprocess.Popen(command, stdout=log, stderr=log)

    def execute(self, *command: str) -> Finished:
        uid, gid = self.configuration()["User"].split(":")
        spaces = [*container.NAMESPACES, "--root", "--wd=/", "--setuid", uid, "--setgid", gid]
        # The variables decide where the program is looked for, inside; nsenter itself is found before.
        variables = dict(entry.split("=", 1) for entry in self.configuration()["Env"])
        program = shutil.which("nsenter") or "nsenter"
        return finish(program, "--target", str(self._inner()), *spaces, *command, env=variables)

    def stop(self) -> int:
        os.kill(self._inner(), signal.SIGTERM)
        return self._process().wait()

    def save(self, archive: Path) -> None:
        archive.unlink(missing_ok=True)
        self._ask("push", "--quiet", TAG, f"docker-archive:{archive}:{TAG}:latest")

    def close(self) -> None:
        if self._running is not None and self._running.poll() is None:
            self._running.kill()
            self._running.wait()
        if (self.scratch / "storage").exists():
            subprocess.run([*self._buildah, "rm", "--all"], check=False, capture_output=True, env=self._environment)

    def _inner(self) -> int:
        """The process that `unshare` started, as this machine numbers it."""
        number = self._process().pid
        return int(Path(f"/proc/{number}/task/{number}/children").read_text().split()[0])

    def _process(self) -> "subprocess.Popen[bytes]":
        if self._running is None:
            raise CannotBuild("no container was started")
        return self._running

    def _contained(self, command: Sequence[str]) -> list[str]:
        uid, gid = self.configuration()["User"].split(":")
        inner = [sys.executable, "-I", str(Path(container.__file__)), str(self.root()), str(self.folder), uid, gid]
        inner += self.configuration()["Env"]
        return ["unshare", *container.NAMESPACES, "--fork", "--kill-child", *inner, *command]

    @property
    def _buildah(self) -> tuple[str, ...]:
        return ("buildah", "--root", str(self.scratch / "storage"), "--runroot", str(self.scratch / "storage-run"))

    @property
    def _environment(self) -> dict[str, str]:
        return os.environ | {"BUILDAH_ISOLATION": "chroot"}

    def _ask(self, *arguments: str) -> str:
        return output(*self._buildah, *arguments, env=self._environment).strip()


def make_base(folder: Path) -> None:
    """A base in place of the public image, from Debian's own archive. Raises CannotBuild."""
    if not shutil.which("debootstrap"):
        raise CannotBuild("without a registry the base is made by debootstrap, which is not installed; see --base")
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={_BASE_PACKAGES}", _SUITE, str(folder)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
