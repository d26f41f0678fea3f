import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path


def test_the_line_that_serve_prints_can_be_pasted_and_variables_are_options(models: Path, tmp_path: Path) -> None:
    environment = os.environ | {"SLUGLINE_ADDRESS": "127.0.0.1:0", "SLUGLINE_MODELS": str(models)}
    program = str(Path(sys.executable).with_name("slugline"))
    with subprocess.Popen(
        [program, "serve"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Serving diplomacy, military_action, terrorism on 127.0.0.1:")
        line = process.stdout.readline()
        answered = subprocess.run(shlex.split(line), capture_output=True, text=True, cwd=tmp_path, check=True)
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 0
    assert "diplomacy" in answered.stdout
