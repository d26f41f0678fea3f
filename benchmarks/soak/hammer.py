"""One closed-loop caller of batches, a process of its own: `python -m benchmarks.soak.hammer ADDRESS BODY WAIT`.

For each number of seconds on standard input it sends the bytes in the file BODY for so long, again as soon as it has an
answer, after a refusal WAIT seconds later. Then it prints a line of JSON: the seconds of every call that was answered,
those of every one that was refused, and other codes.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import grpc

from benchmarks.driving import BATCH


def hammer(call: Any, body: bytes, wait: float, seconds: float) -> dict[str, list[Any]]:
    """Call for so long, and say how long the calls took."""
    answered, refused, others = list[float](), list[float](), list[str]()
    end = time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        try:
            call(body, timeout=60)
            answered.append(time.perf_counter() - start)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED:
                refused.append(time.perf_counter() - start)
                time.sleep(wait)
            else:
                others.append(f"{error.code().name}: {error.details()}")
    return {"answered": answered, "refused": refused, "others": others}


def main(address: str, body: bytes, wait: float) -> None:
    """Do as standard input says, until it is closed."""
    with grpc.insecure_channel(address, options=[("grpc.enable_retries", 0)]) as channel:
        grpc.channel_ready_future(channel).result(60)
        call: Any = channel.unary_unary(BATCH)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for seconds in sys.stdin:
            sys.stdout.write(json.dumps(hammer(call, body, wait, float(seconds))) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).read_bytes(), float(sys.argv[3]))
