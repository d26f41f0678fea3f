"""One of several server processes that share a port: settings come in on standard input, reports go out.

The supervisor keeps standard input open for as long as it lives, so a worker whose supervisor was killed stops too.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec

from service.logs import configure_logs
from service.server import serve
from service.settings import settings_from_json
from service.supervisor import TALLY_SECONDS, WorkerReport
from service.tally import Snapshot
from slugline.errors import SluglineError

_REPORTING = threading.Lock()


def main() -> None:
    """Serve as told until SIGTERM, SIGINT, or until the supervisor is gone."""
    # What would end a process that is still loading is nothing to it: it loads the newest version anyway.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    settings = settings_from_json(sys.stdin.buffer.readline())
    configure_logs(settings.log_format, settings.log_level)
    threading.Thread(target=_stop_without_supervisor, daemon=True).start()
    try:
        serve(settings, lambda _, topics: _report(WorkerReport(topics)), _reported)
    except SluglineError as error:
        _report(WorkerReport(error=type(error).__name__, message=str(error)))
        sys.exit(1)


@contextmanager
def _reported(snapshot: Callable[[], Snapshot]) -> Iterator[None]:
    """Tell the supervisor what was counted, from time to time and at the end."""
    over = threading.Event()

    def report() -> None:
        while not over.wait(TALLY_SECONDS):
            _report(WorkerReport(tally=snapshot()))

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        _report(WorkerReport(tally=snapshot()))


def _report(report: WorkerReport) -> None:
    with suppress(BrokenPipeError), _REPORTING:
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
        sys.stdout.buffer.flush()


def _stop_without_supervisor() -> None:
    # Not through sys.stdin, whose lock the interpreter wants back when it ends.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
