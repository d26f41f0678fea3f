"""Real workers, killed for real."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import grpc
import pytest

from service.settings import Limits, Security, ServerSettings, settings_from_json, settings_to_json
from service.supervisor import reserve
from slugline.errors import CannotServe
from slugline.v1 import classification_pb2 as pb
from slugline.v1 import classification_pb2_grpc as pb_grpc
from tests.conftest import Server, start_server, wait_until

DOCUMENT = pb.Document(text="Envoys signed the treaty at the summit")


@pytest.fixture
def pair(models: Path, tmp_path: Path) -> Iterator[Server]:
    """A server of two workers."""
    running = start_server(models, tmp_path, "--workers", "2")
    yield running
    if running.process.poll() is None:
        assert running.stop() == 0


def workers_of(server: Server) -> set[int]:
    listed = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    return set(map(int, listed.split()))


def classify(address: str) -> list[float]:
    # A connection of its own each time, so that all workers get some.
    with grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        stub = pb_grpc.ClassificationServiceStub(channel)  # type: ignore[no-untyped-call]
        response = stub.Classify(pb.ClassifyRequest(document=DOCUMENT), timeout=20, wait_for_ready=True)
        return [topic.score for topic in response.topics]


def test_workers_share_a_port_and_answer_alike(pair: Server) -> None:
    assert len(workers_of(pair)) == 2
    answers = [classify(pair.address) for _ in range(20)]
    assert all(answer == answers[0] for answer in answers)


def test_a_killed_worker_is_back_and_the_other_one_serves_meanwhile(pair: Server) -> None:
    before = workers_of(pair)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: victim not in workers_of(pair))
    for _ in range(5):
        assert classify(pair.address)
    wait_until(lambda: pair.log.read_text().count("worker serves") == 3)
    assert len(workers_of(pair)) == 2
    assert pair.process.poll() is None


def test_no_call_comes_to_a_worker_that_is_not_ready(pair: Server) -> None:
    """A worker that shares the port and still loads its model would refuse what the other one can answer."""
    over, refused = threading.Event(), []

    def call() -> None:
        while not over.is_set():
            try:
                classify(pair.address)
            except grpc.RpcError as error:
                refused.append(error.details())

    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    for kills in (1, 2, 3):
        os.kill(min(workers_of(pair)), signal.SIGKILL)
        wait_until(lambda kills=kills: pair.log.read_text().count("worker serves") == 2 + kills)  # type: ignore[misc]
    over.set()
    for caller in callers:
        caller.join(30)
    # Calls within the killed ones are lost; those have another message.
    assert [details for details in refused if "not loaded yet" in str(details)] == []


def test_sigterm_drains_all_workers_and_loses_no_call(pair: Server) -> None:
    answered, refused = [], []

    def call_until_refused() -> None:
        with grpc.insecure_channel(pair.address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            stub = pb_grpc.ClassificationServiceStub(channel)  # type: ignore[no-untyped-call]
            while True:
                try:
                    answered.append(stub.Classify(pb.ClassifyRequest(document=DOCUMENT)))
                except grpc.RpcError as error:
                    refused.append(error.code())
                    return

    callers = [threading.Thread(target=call_until_refused) for _ in range(6)]
    for caller in callers:
        caller.start()
    wait_until(lambda: len(answered) > 100)
    workers = workers_of(pair)
    assert pair.stop() == 0
    for caller in callers:
        caller.join(30)
    assert set(refused) == {grpc.StatusCode.UNAVAILABLE}
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    log = pair.log.read_text()
    assert log.count("stopped") == 2
    assert "Traceback" not in log
    assert "Fatal" not in log


def test_workers_stop_when_their_supervisor_is_killed(pair: Server) -> None:
    workers = workers_of(pair)
    pair.stop(signal.SIGKILL)
    wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))


def test_a_model_that_is_not_there_ends_all_with_its_exit_code(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "slugline", "serve", "--workers", "2", "--models", str(tmp_path / "none")]
    done = subprocess.run([*command, "--address", "127.0.0.1:0"], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "slugline train" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_workers_that_fail_at_the_same_moment_end_all_with_one_message(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "slugline", "serve", "--workers", "3", "--models", str(tmp_path / "none")]
    supervisor = subprocess.Popen([*command, "--address", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True)
    children = Path(f"/proc/{supervisor.pid}/task/{supervisor.pid}/children")

    def have_ended() -> bool:
        states = [Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] for child in started]
        return states == ["Z"] * len(started)

    wait_until(lambda: len(children.read_text().split()) == 3)
    started = children.read_text().split()
    # A supervisor that sleeps until all workers have ended hears of all three failures at once. If it sleeps before
    # they have their settings, they do not end: then it gets a moment to give them.
    ended = False
    while not ended and supervisor.poll() is None:
        supervisor.send_signal(signal.SIGSTOP)
        with suppress(AssertionError, FileNotFoundError):
            wait_until(have_ended, 3)
            ended = True
        supervisor.send_signal(signal.SIGCONT)
        time.sleep(0.02)
    told = supervisor.communicate(timeout=30)[1]
    assert supervisor.returncode == 3
    assert told.count("slugline train") == 1
    assert "Traceback" not in told


def test_a_taken_address_is_refused(server: Server, models: Path) -> None:
    command = [sys.executable, "-m", "slugline", "serve", "--workers", "2", "--models", str(models)]
    done = subprocess.run(
        [*command, "--address", server.address], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 6
    assert "taken" in done.stderr


@pytest.mark.parametrize("address", ["", "nowhere", "127.0.0.1:port", "127.0.0.1:99999", "256.0.0.1:1"])
def test_addresses_that_are_none_are_refused(address: str) -> None:
    with pytest.raises(CannotServe, match="not HOST:PORT"):
        reserve(address)


def test_a_reserved_port_can_be_shared_by_those_who_share() -> None:
    with reserve("127.0.0.1:0") as reserved, socket.socket() as other, socket.socket() as alone:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(reserved.getsockname())
        with pytest.raises(OSError, match="in use"):
            alone.bind(reserved.getsockname())


def test_a_port_is_reserved_once_and_closed_connections_do_not_hold_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as before:
        place = before.getsockname()
        with socket.create_connection(place) as caller:
            before.accept()[0].close()
            caller.recv(1)
    address = f"127.0.0.1:{place[1]}"
    with reserve(address), pytest.raises(CannotServe, match="taken"):
        reserve(address)


def test_settings_go_to_another_process_whole() -> None:
    settings = ServerSettings(
        address="[::]:1",
        models=Path("a b"),
        name="x",
        limits=Limits(1, 2, 3, 4, 5, 6, 7.5),
        grace_seconds=0.5,
        reload_seconds=2.5,
        reflection=False,
        scorer="sklearn",
        workers=3,
        shared_port=True,
        connection_seconds=9.0,
        metrics_address="[::]:3",
        trace_endpoint="http://[::1]:4",
        log_format="json",
        log_level="debug",
        security=Security(Path("c"), Path("k"), None, Path("t"), True),
        health_address="[::]:2",
        trusted_keys=Path("keys"),
        models_url="s3://bucket",
    )
    plain = ServerSettings()
    assert all(getattr(settings, field.name) != getattr(plain, field.name) for field in fields(ServerSettings))
    assert settings_from_json(settings_to_json(settings)) == settings


def test_the_supervisor_imports_no_grpc() -> None:
    code = "import sys, service.supervisor; print([name for name in ('grpc', 'numpy') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
