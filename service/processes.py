"""What the system knows of a process, where it has a /proc to tell it."""

from pathlib import Path

from service import families
from service.tally import Tally

_PAGE_BYTES = 4096


def observe_process(tally: Tally, name: str, pid: int | str = "self") -> None:
    """Set the gauges of memory and open files of a process, under `name`; what cannot be read stays as it was."""
    folder, labels = Path("/proc") / str(pid), (name,)
    try:
        pages = int((folder / "statm").read_text().split()[1])
        tally.set(families.RESIDENT, pages * _PAGE_BYTES, labels)
        tally.set(families.DESCRIPTORS, len(list((folder / "fd").iterdir())), labels)
    except OSError:
        return
