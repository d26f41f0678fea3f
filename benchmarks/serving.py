"""Servers under measurement: processes of their own, started for it and stopped after it."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Served:
    """A server process, where it listens, how long it took until it served, and where it logs."""

    process: "subprocess.Popen[str]"
    address: str
    ready: float
    log: Path

    @property
    def pid(self) -> int:
        """The id of the process, which is the parent of its workers."""
        return self.process.pid

    def children(self) -> list[int]:
        """The ids of its workers."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def events(self) -> list[dict[str, Any]]:
        """The lines of its log, where it was started with `--log-format json`."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def metrics(self) -> dict[str, float]:
        """What it shows at its `--metrics-address`: each value by what stands before it."""
        address = next(event["address"] for event in self.events() if event["event"] == "showing metrics")
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as response:
            lines = response.read().decode().splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def slugline(models: Path, *options: str) -> list[str]:
    """The command that serves the current version in `models` on a free port."""
    command = [sys.executable, "-m", "slugline", "serve", "--address", "127.0.0.1:0", "--models", str(models)]
    return [*command, *options]


def on_one_core(command: Sequence[str]) -> list[str]:
    """The command, held to the first core that this process may use."""
    core = min(os.sched_getaffinity(0))
    hold = f"import os, sys; os.sched_setaffinity(0, {{{core}}}); os.execvp(sys.argv[1], sys.argv[1:])"
    return [sys.executable, "-S", "-c", hold, *command]


@contextmanager
def served(command: Sequence[str]) -> Iterator[Served]:
    """Start a server that says `on HOST:PORT. ` once it serves, and stop it at the end."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "server.log"
        start = time.perf_counter()
        with (
            log.open("w") as stderr,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
        ):
            assert process.stdout is not None
            try:
                first = process.stdout.readline()
                if "on " not in first:
                    raise RuntimeError(f"the server did not start: {log.read_text()}")
                yield Served(process, first.split("on ")[1].split(". ")[0], time.perf_counter() - start, log)
            finally:
                process.terminate()
