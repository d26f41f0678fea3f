"""The Docker engine."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.image.engines import TAG, Engine, Finished, finish, output, secrets


class Docker(Engine):
    """An image in the local daemon, by the command line of Docker."""

    _running = ""
    _unpacked = False
    _HARDENED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")

    def build(self, context: Path, base: str | None, certificates: Path | None) -> None:
        if base and Path(base).is_dir():
            with subprocess.Popen(["tar", "-C", base, "-c", "."], stdout=subprocess.PIPE) as packed:
                subprocess.run(["docker", "import", "-", f"{TAG}-base"], stdin=packed.stdout, check=True)
            base = f"{TAG}-base"
        arguments = ["--build-arg", f"BASE={base}"] if base else []
        command = ["docker", "build", *arguments, *secrets(certificates), "--tag", TAG, str(context)]
        # Secrets are of BuildKit, which older engines must be told to use.
        subprocess.run(command, check=True, env=os.environ | {"DOCKER_BUILDKIT": "1"})

    def configuration(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(output("docker", "image", "inspect", TAG))[0]["Config"]
        return found

    def root(self) -> Path:
        folder = self.scratch / "root"
        if not self._unpacked:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            created = output("docker", "create", TAG).strip()
            with subprocess.Popen(["docker", "export", created], stdout=subprocess.PIPE) as packed:
                subprocess.run(["tar", "-C", str(folder), "-x", "-p"], stdin=packed.stdout, check=True)
            subprocess.run(["docker", "rm", created], check=True, capture_output=True)
            self._unpacked = True
        return folder

    def run(self, *command: str) -> Finished:
        return finish("docker", "run", "--rm", *self._options(), "--entrypoint", command[0], TAG, *command[1:])

    def start(self, variables: Mapping[str, str]) -> None:
        added = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
        self._running = output("docker", "run", "--detach", *self._options(), *added, TAG).strip()

    def execute(self, *command: str) -> Finished:
        return finish("docker", "exec", self._running, *command)

    def stop(self) -> int:
        subprocess.run(["docker", "kill", "--signal", "TERM", self._running], check=True, capture_output=True)
        return int(output("docker", "wait", self._running))

    def save(self, archive: Path) -> None:
        subprocess.run(["docker", "save", "--output", str(archive), TAG], check=True)

    def close(self) -> None:
        if self._running:
            subprocess.run(["docker", "rm", "--force", self._running], check=False, capture_output=True)

    def _options(self) -> tuple[str, ...]:
        return (*self._HARDENED, "--network", "none", "--volume", f"{self.folder}:/mnt:ro")
