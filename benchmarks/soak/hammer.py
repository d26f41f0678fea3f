"""One closed-loop caller of batches, a process of its own: `python -m benchmarks.soak.hammer ADDRESS BODY WAIT`.

It sends the bytes in the file BODY again as soon as it has an answer, after a refusal WAIT seconds later, until
standard input is closed. Then it prints JSON: the seconds of every call that was answered, of every one that was
refused, and other codes.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import grpc

from benchmarks.over_grpc import BATCH


def main(address: str, body: bytes, wait: float) -> None:
    """Call, then say how long it took."""
    answered, refused, others = list[float](), list[float](), list[str]()
    over = threading.Event()
    threading.Thread(target=_wait_for_the_end, args=(over,), daemon=True).start()
    with grpc.insecure_channel(address, options=[("grpc.enable_retries", 0)]) as channel:
        call: Any = channel.unary_unary(BATCH)
        grpc.channel_ready_future(channel).result(30)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while not over.is_set():
            start = time.perf_counter()
            try:
                call(body, timeout=60)
                answered.append(time.perf_counter() - start)
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED:
                    refused.append(time.perf_counter() - start)
                    over.wait(wait)
                else:
                    others.append(f"{error.code().name}: {error.details()}")
    sys.stdout.write(json.dumps({"answered": answered, "refused": refused, "others": others}))


def _wait_for_the_end(over: threading.Event) -> None:
    sys.stdin.read()
    over.set()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).read_bytes(), float(sys.argv[3]))
