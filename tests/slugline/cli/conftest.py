import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import wait_until


@pytest.fixture(scope="session")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with two workers, which are started again when they die."""
    folder = tmp_path_factory.mktemp("dask")
    contact = folder / "scheduler.json"
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "SLUGLINE_MODELS_CACHE": str(folder / "cache"),
    }
    run_module = [sys.executable, "-m"]
    commands = [
        [*run_module, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"],
        [*run_module, "distributed.cli.dask_worker", "--nworkers", "2", "--nthreads", "1", "--no-dashboard"],
    ]
    commands[1] += ["--local-directory", str(folder / "local")]
    with (folder / "log").open("w") as log:
        processes = [
            subprocess.Popen([*command, "--scheduler-file", str(contact)], stdout=log, stderr=log, env=environment)
            for command in commands
        ]
    wait_until(lambda: contact.exists() and contact.stat().st_size > 0, 200)
    yield json.loads(contact.read_text())["address"]
    for process in reversed(processes):
        process.terminate()
        process.wait(30)
