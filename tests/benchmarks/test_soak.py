"""That every part of the soak works and would find a fault; no times are asserted."""

import asyncio
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.soak import fuzzing
from benchmarks.soak.answers import Expected, WrongAnswer
from benchmarks.soak.calls import ALLOWED, MIXES
from benchmarks.soak.dropping import drop_stream
from benchmarks.soak.faults import BAD_REQUESTS
from benchmarks.soak.observation import Observation, Sample
from service.messages import Answers
from service.reading import Reader
from service.tally import Tally
from slugline.model import Model
from slugline.v1 import classification_pb2 as pb
from tests.service.test_statuses import CASES

ROOT = Path(__file__).parent.parent.parent


def soak(models: Path, out: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "benchmarks.soak", "--quick", "--model", str(models), "--out", str(out), *options]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.mark.parametrize("part", ["soak", "reloads", "overload", "kill"])
def test_a_quick_run_finds_no_fault_and_writes_what_it_saw(part: str, models: Path, tmp_path: Path) -> None:
    done = soak(models, tmp_path, "--part", part)
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / f"{part}.json").read_text())
    for table in written["tables"]:
        assert table["rows"]
        assert all(len(row) == len(table["columns"]) for row in table["rows"])
        assert f"## {table['title']}" in (tmp_path / f"{part}.md").read_text()
    if part in ("soak", "reloads"):
        assert (tmp_path / f"{part}.png").read_bytes().startswith(b"\x89PNG")


def test_a_quick_fuzz_tries_every_target_or_says_why_not(models: Path, tmp_path: Path) -> None:
    done = soak(models, tmp_path, "--part", "fuzz", "--inputs", str(tmp_path / "inputs"))
    assert done.returncode == 0, done.stderr
    if "SKIPPED" in done.stdout:
        pytest.skip(done.stdout)
    rows = json.loads((tmp_path / "fuzz.json").read_text())["tables"][0]["rows"]
    assert [row[0] for row in rows] == list(fuzzing.TARGETS.values())
    assert all(row[1] > 0 and row[4] > 0 for row in rows)


def test_a_target_that_ends_with_an_error_is_a_fault(tmp_path: Path) -> None:
    outcome = fuzzing.run(tmp_path / "none", 0.01, folder=tmp_path, targets=("files",))
    assert outcome.skipped or "no such folder" in outcome.faults[0]


def test_every_fault_that_is_documented_is_sent_and_one_call_in_five_is_bad() -> None:
    assert set(BAD_REQUESTS) == set(CASES)
    everything = MIXES["everything"]
    assert set(everything) == set(ALLOWED)
    bad = sum(
        everything[kind] for kind in ("bad request", "bad documents", "deadline", "cancel", "slow reader", "dropped")
    )
    assert 0.18 < bad / sum(everything.values()) < 0.25


def test_a_wrong_answer_is_seen(models: Path, model: Model) -> None:
    expected, answers = Expected(models), Answers(Reader(model, Tally()))
    document = expected.documents[1]
    reading = model.read([document.content()])

    def answer(**changes: object) -> pb.ClassifyResponse:
        right = answers.one(model.columns([]), document, reading.scores[0].tolist(), (), 5)
        for name, value in changes.items():
            setattr(right.topics[0] if hasattr(right.topics[0], name) else right, name, value)
        return right

    expected.check_one(answer(), document, evidence=True)
    for changes in ({"score": 0.5}, {"threshold": 0.1}, {"model_version": "x"}, {"document_id": "x"}, {"topic": "x"}):
        with pytest.raises(WrongAnswer):
            expected.check_one(answer(**changes), document, evidence=True)
    moved = answer()
    moved.topics[0].evidence.terms[0].spans[0].end = len(document.content()) + 1
    with pytest.raises(WrongAnswer, match="outside"):
        expected.check_one(moved, document, evidence=True)
    with pytest.raises(WrongAnswer, match="evidence"):
        expected.check_one(answer(), document, evidence=False)


def test_a_dropped_stream_is_http_2_and_ends_with_a_reset() -> None:
    received = bytearray()

    async def scene() -> None:
        reset = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while chunk := await reader.read(65_536):
                    received.extend(chunk)
            except ConnectionResetError:
                reset.set()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        await drop_stream(f"{host}:{port}", "/a.B/C", [b"x" * 20_000] * 2, random.Random(1))
        await asyncio.wait_for(reset.wait(), 30)
        server.close()

    asyncio.run(scene())
    assert received.startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert b"/a.B/C" in received
    assert 20_000 < received.count(b"x") < 40_000


def test_growth_is_of_the_last_quarter_over_the_third() -> None:
    values = [*[50.0] * 40, *[100.0] * 20, *[110.0] * 20]
    samples = [Sample(float(second), {"worker-0": value}, {}) for second, value in enumerate(values)]
    assert Observation(samples).growth("worker-0") == pytest.approx(0.1)
