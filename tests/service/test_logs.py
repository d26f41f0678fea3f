import json
import subprocess
import sys
from pathlib import Path

WRITER = """
from service.logs import configure_logs
configure_logs("json", "info")
import structlog
for number in range(2000):
    structlog.get_logger("test").info("hello", number=number, text="abc" * 20)
"""


def test_lines_of_several_processes_do_not_run_into_one_another(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("w") as file:
        writers = [subprocess.Popen([sys.executable, "-c", WRITER], stderr=file) for _ in range(4)]
        assert [writer.wait(60) for writer in writers] == [0] * 4
    lines = log.read_text().splitlines()
    assert len([json.loads(line) for line in lines]) == 8000
