import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from slugline.errors import InputError
from training.streaming.spill import Spill


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    arrays: list[NDArray[Any]] = [np.arange(5), np.ones((2, 3), dtype=np.uint16), np.empty(0, dtype=np.float64)]
    with Spill(tmp_path) as spill:
        pieces = [spill.put(array) for array in arrays]
        over = spill.put(np.full((2, 3), 7, dtype=np.uint16), pieces[1])
        found = spill.get_all([pieces[0], over, pieces[2]])
    assert [(array.dtype, array.shape) for array in found] == [(array.dtype, array.shape) for array in arrays]
    assert found[0].tolist() == [0, 1, 2, 3, 4]
    assert (found[1] == 7).all()


def test_a_killed_process_leaves_nothing(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys, pathlib, numpy; from training.streaming.spill import Spill\n"
        "spill = Spill(pathlib.Path(sys.argv[1])); spill.put(numpy.ones(1000)); print(spill.size, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-9, "8000\n")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="--scratch"):
        Spill(tmp_path / "file")


def test_a_full_disk_is_told() -> None:
    """A limit on the size of files is the nearest that a test comes to a full disk."""
    program = (
        "import pathlib, resource, signal, sys, tempfile, numpy; from training.streaming.spill import Spill\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "spill = Spill(pathlib.Path(tempfile.gettempdir()))\n"
        "try: spill.put(numpy.ones(1000))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("InputError ")
    assert "--scratch" in done.stdout
