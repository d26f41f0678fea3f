"""Calls over gRPC: Slugline beside a constant reply, the tutorial's server, MLServer, and its scikit-learn scorer."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import grpc

from benchmarks.driving import BATCH, CLASSIFY, CLIENT, STREAM, Call, Load, drive, python_load, sustained
from benchmarks.in_process import one_at_a_time
from benchmarks.measure import percentile, resident_mb, take_turns
from benchmarks.results import Table
from benchmarks.serving import Served, on_one_core, served, slugline
from slugline import store
from slugline.inference import open_inference_pb2 as inference_pb
from slugline.v1 import classification_pb2 as pb

_INFER = "/inference.GRPCInferenceService/ModelInfer"
_BATCH_SIZE = 64
_LONG_CHARACTERS = 18_000
"""A text so long that the server is the limit, on whatever machine, and yet is scored where it arrives."""
CONSTANT = [sys.executable, "-m", "benchmarks.servers.constant"]


@dataclass(frozen=True, slots=True)
class _Contender:
    command: Sequence[str]
    call: Call
    scored: bool = True
    batches: bool = False
    is_slow: bool = False


def run(model_path: Path, texts: Sequence[str], *, quick: bool, mlserver: Path | None = None) -> list[Table]:
    """All tables of calls over gRPC; `mlserver` is an interpreter that has MLServer, if it is to be measured."""
    tables = _tables(len(texts[0]))
    contenders, many = _contenders(model_path, texts[0], mlserver), _many(texts)
    rounds, calls = (1, 80) if quick else (7, 2000)
    with ExitStack() as running:
        servers = {name: running.enter_context(served(contender.command)) for name, contender in contenders.items()}
        for name, server in servers.items():
            _check(server, contenders[name])
        # They take turns, so that what else the machine does falls on all of them.
        found = [
            {name: _loads(server, contenders[name], many, quick=quick) for name, server in servers.items()}
            for _ in range(rounds)
        ]
        for name, server in servers.items():
            turns = [turn[name] for turn in found]
            tables[0].rows.append((name, *_figures(turns)))
            if contenders[name].batches:
                rate, cpu = (median(getattr(turn["batches"], kind) for turn in turns) for kind in ("rate", "cpu"))
                tables[1].rows.append((name, rate * _BATCH_SIZE, cpu / _BATCH_SIZE * 1e6))
            tables[2].rows.append((name, server.ready, resident_mb(server.pid)))
    return [
        *tables,
        _beside_constant(model_path, texts[0], rounds, calls),
        _streams(model_path, texts[0], rounds, calls),
        _two_workers(model_path, texts, rounds, 1 if quick else 2),
    ]


def _loads(server: Served, contender: _Contender, many: Call, *, quick: bool) -> dict[str, Load]:
    """One turn of a server."""
    # Enough for each to be busy for half a second, and fewer of those that take long.
    calls = 40 if quick else 200 if contender.is_slow else 2000
    singly = 40 if quick else 200
    loads = {
        "at 8": drive(server, contender.call, calls, 8),
        "at 32": drive(server, contender.call, calls, 32),
        "one": python_load("closed", server, contender.call, singly, 1),
        "open": python_load("open", server, contender.call, singly, 200),
    }
    if contender.batches:
        loads["batches"] = drive(server, many, 5 if quick or contender.is_slow else 60, 4)
    return loads


def _figures(turns: Sequence[Mapping[str, Load]]) -> list[float]:
    """A row of the first table: medians of rates and of CPU, and percentiles of the times of all turns together."""
    single, opened = ([seconds for turn in turns for seconds in turn[kind].times] for kind in ("one", "open"))
    return [
        median(turn["at 8"].rate for turn in turns),
        median(turn["at 32"].rate for turn in turns),
        median(turn["at 8"].cpu for turn in turns) * 1e6,
        percentile(single, 0.5) * 1e3,
        percentile(single, 0.99) * 1e3,
        percentile(opened, 0.99) * 1e3,
    ]


def _contenders(model_path: Path, text: str, mlserver: Path | None) -> dict[str, _Contender]:
    call, plain = _one(text), slugline(model_path)
    tutorial = [sys.executable, "-m", "benchmarks.servers.tutorial", str(model_path)]
    found = {
        "constant reply": _Contender(CONSTANT, call, scored=False),
        "Slugline": _Contender(plain, call, batches=True),
        "Slugline, 2 workers": _Contender([*plain, "--workers", "2"], call, batches=True),
        "Slugline, scikit-learn scorer": _Contender([*plain, "--scorer", "sklearn"], call, batches=True, is_slow=True),
        "tutorial server": _Contender(tutorial, call, is_slow=True),
    }
    if mlserver:
        pipeline = store.find(model_path) / store.MODEL_FILE
        command = [str(mlserver), "benchmarks/servers/mlserver_pipeline.py", str(pipeline)]
        found["MLServer"] = _Contender(command, _tensor(text), is_slow=True)
    return found


def _one(text: str) -> Call:
    return Call(CLASSIFY, pb.ClassifyRequest(document=pb.Document(id="a", text=text)).SerializeToString())


def _many(texts: Sequence[str]) -> Call:
    chosen = (list(texts) * _BATCH_SIZE)[:_BATCH_SIZE]
    documents = [pb.Document(id=str(number), text=text) for number, text in enumerate(chosen)]
    return Call(BATCH, pb.BatchClassifyRequest(documents=documents).SerializeToString())


def _tensor(text: str) -> Call:
    contents = inference_pb.InferTensorContents(bytes_contents=[text.encode()])
    tensor = inference_pb.ModelInferRequest.InferInputTensor(
        name="text", datatype="BYTES", shape=[1, 1], contents=contents
    )
    request = inference_pb.ModelInferRequest(model_name="default", inputs=[tensor])
    return Call(_INFER, request.SerializeToString())


def _tables(characters: int) -> list[Table]:
    return [
        Table(
            f"Classify, one text of {characters:,} characters a call",
            ("server", "calls/s at 8", "calls/s at 32", "server CPU µs a call", "p50 ms", "p99 ms", "open loop p99 ms"),
            note=f"Rates driven by {CLIENT}, closed loop, on the same cores as the server; p50 and p99 at one call "
            "at a time, and open loop at 200 calls a second, by a Python client, in its own process. They took turns; "
            "medians of the turns, percentiles of all calls.",
        ),
        Table(
            f"BatchClassify, {_BATCH_SIZE} texts a call",
            ("server", "documents/s", "server CPU µs a document"),
            note=f"Four calls at a time, driven by {CLIENT}.",
        ),
        Table(
            "Start and memory", ("server", "seconds until it serves", "resident MB"), note="Of workers, the parent's."
        ),
    ]


def _check(server: Served, contender: _Contender) -> None:
    """The load generator looks at no answer, so one is looked at before."""
    with grpc.insecure_channel(server.address) as channel:
        call: Any = channel.unary_unary(contender.call.method)
        answer = call(contender.call.body, timeout=30)
    if contender.call.method == _INFER:
        scores = list(inference_pb.ModelInferResponse.FromString(answer).outputs[0].contents.fp64_contents)
    else:
        scores = [topic.score for topic in pb.ClassifyResponse.FromString(answer).topics]
    if len(scores) != 3 or (contender.scored and not all(0 < score < 1 for score in scores)):
        raise RuntimeError(f"{server.address} does not answer as it should: {scores}")


def _beside_constant(model_path: Path, text: str, rounds: int, calls: int) -> Table:
    """What a call costs beyond gRPC and scoring; in each round all three are measured, one after the other."""
    model, call = store.load(store.find(model_path)), _one(text)
    found: list[tuple[float, float, float, float]] = []
    commands = (CONSTANT, [*CONSTANT, "uvloop"], slugline(model_path))
    with ExitStack() as running:
        servers = [running.enter_context(served(command)) for command in commands]
        for _ in range(rounds):
            turn = take_turns({"score": one_at_a_time(model, [text] * 1000)}, 1)["score"]
            constant, on_uvloop, whole = (drive(server, call, calls, 8).cpu for server in servers)
            found.append((constant, on_uvloop, turn.cpu / turn.documents, whole))
    table = Table(
        f"What Classify costs beside a constant reply, one text of {len(text):,} characters a call",
        ("", "CPU µs a call"),
        note=f"Medians of {rounds} rounds; the ratio is the median of the rounds' own.",
    )
    parts = ("a constant reply", "a constant reply on uvloop", "scoring alone, in another process", "Slugline")
    table.rows += [(part, median(column) * 1e6) for part, column in zip(parts, zip(*found, strict=True), strict=True)]
    for kind, column in (("a constant reply", 0), ("one on uvloop", 1)):
        ratio = median(whole / (turn[column] + score) for *turn, score, whole in found)
        table.rows.append((f"Slugline, times {kind} and scoring", ratio))
    return table


def _streams(model_path: Path, text: str, rounds: int, messages: int) -> Table:
    """What a message of a stream costs; in each round all are measured, one after the other."""
    request = pb.StreamClassifyRequest(document=pb.Document(id="a", text=text))
    call = Call(STREAM, request.SerializeToString())
    commands = {
        "a constant reply": CONSTANT,
        "a constant reply on uvloop": [*CONSTANT, "uvloop"],
        "Slugline": slugline(model_path),
    }
    table = Table(
        f"StreamClassify, one text of {len(text):,} characters a message",
        ("server", "documents/s", "server CPU µs a document"),
        note=f"Medians of {rounds} rounds, one stream at a time, driven by a Python client on the same cores.",
    )
    with ExitStack() as running:
        servers = [running.enter_context(served(command)) for command in commands.values()]
        found = [[python_load("stream", server, call, messages, 1) for server in servers] for _ in range(rounds)]
    for name, loads in zip(commands, zip(*found, strict=True), strict=True):
        table.rows.append((name, median(load.rate for load in loads), median(load.cpu for load in loads) * 1e6))
    return table


def _two_workers(model_path: Path, texts: Sequence[str], rounds: int, seconds: int) -> Table:
    """Two workers beside one; in each round all are measured, one after the other."""
    text = " ".join(texts)[:_LONG_CHARACTERS]
    call, plain = _one(text), slugline(model_path)
    commands = {
        "1 worker on one core": on_one_core(plain),
        "1 worker": plain,
        "2 workers": [*plain, "--workers", "2"],
    }
    with ExitStack() as running:
        servers = [running.enter_context(served(command)) for command in commands.values()]
        rates = [[sustained(server, call, seconds, 16) for server in servers] for _ in range(rounds)]
    table = Table(
        f"Two workers beside one, one text of {len(text):,} characters a call",
        ("server", "calls/s at 16"),
        note=f"Medians of {rounds} rounds of {seconds} s, driven by {CLIENT} on the same cores, for whom such calls "
        "are little work; the ratios are medians of the rounds' own. A worker alone uses more than one core, since "
        "gRPC has threads of its own.",
    )
    table.rows += [(name, median(column)) for name, column in zip(commands, zip(*rates, strict=True), strict=True)]
    for name, column in (("1 worker on one core", 0), ("1 worker", 1)):
        table.rows.append((f"2 workers, times {name}", median(rate[2] / rate[column] for rate in rates)))
    return table
