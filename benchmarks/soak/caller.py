"""One caller, a process of its own: `python -m benchmarks.soak.caller ADDRESS MODELS MIX TASKS SEED`.

TASKS calls are always under way, each on a connection of its own, until standard input is closed. Then it prints JSON:
how many calls of each kind ended with which code, and every call that ended as it must not, with when it began and
ended by the monotonic clock, which all processes of a machine share.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path

import grpc

from benchmarks.soak.answers import Expected, WrongAnswer
from benchmarks.soak.calls import ALLOWED, CHANNEL_OPTIONS, MIXES, Calls

_CALLS_A_CONNECTION = 150
_MOST_FAILURES = 1000


class Caller:
    """Calls until told to stop, and remembers what became of it."""

    def __init__(self, address: str, models: Path, mix: str, seed: int) -> None:
        self._address = address
        self._expected = Expected(models)
        self._kinds, self._weights = zip(*MIXES[mix].items(), strict=True)
        self._chance = random.Random(seed)
        self._over = asyncio.Event()
        self.codes: Counter[tuple[str, str]] = Counter()
        self.failures: list[dict[str, object]] = []

    async def run(self, tasks: int) -> None:
        """Keep `tasks` calls under way until standard input is closed."""
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        ending = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
        ending.add_done_callback(lambda _: self._over.set())
        await asyncio.gather(*(self._keep_calling() for _ in range(tasks)))
        await ending

    async def _keep_calling(self) -> None:
        while not self._over.is_set():
            async with grpc.aio.insecure_channel(self._address, options=CHANNEL_OPTIONS) as channel:
                calls = Calls(self._address, channel, self._expected, self._chance)
                for kind in self._chance.choices(self._kinds, self._weights, k=_CALLS_A_CONNECTION):
                    await self._call(calls, kind)
                    if self._over.is_set():
                        return

    async def _call(self, calls: Calls, kind: str) -> None:
        began = time.monotonic()
        try:
            code, message = await calls.make(kind)
            problem = "" if code in ALLOWED[kind] else f"{code}: {message}"
        except WrongAnswer as error:
            code, problem = "wrong answer", str(error)
        except OSError as error:
            code = problem = f"no connection: {error}"
        self.codes[kind, code] += 1
        if problem and len(self.failures) < _MOST_FAILURES:
            failure = {"kind": kind, "problem": problem[:500], "began": began, "ended": time.monotonic()}
            self.failures.append(failure)


def main(address: str, models: str, mix: str, tasks: str, seed: str) -> None:
    """Call, then say what became of it."""
    caller = Caller(address, Path(models), mix, int(seed))
    asyncio.run(caller.run(int(tasks)))
    codes = [[kind, code, count] for (kind, code), count in sorted(caller.codes.items())]
    sys.stdout.write(json.dumps({"codes": codes, "failures": caller.failures}))


if __name__ == "__main__":
    main(*sys.argv[1:])
