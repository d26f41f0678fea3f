"""The Python client where servers are overloaded, leave, come back, or ask who is calling."""

import asyncio
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

import slugline_client
from slugline.v1 import classification_pb2 as pb
from slugline.v1 import classification_pb2_grpc as pb_grpc
from slugline_client import AsyncClient, CallError, Client, Overloaded, Result, Tls
from tests.authority import Authority
from tests.conftest import Server, start_server

TEXT = "Envoys signed the treaty while troops shelled the border and the league played on. " * 20
TOKEN = "the-token-of-the-news-desk"


@pytest.fixture
def narrow(models: Path, tmp_path: Path) -> Iterator[Server]:
    """A server that takes one call and one stream at a time."""
    server = start_server(models, tmp_path, "--max-concurrent", "1", "--max-streams", "1")
    yield server
    server.stop()


def results_of_callers(address: str, attempts: int, evidence_terms: int, size: int) -> tuple[int, list[CallError]]:
    """How many results two callers got, each with one batch of `size`, and the errors of the others."""
    results: list[int] = []
    errors: list[CallError] = []

    def call() -> None:
        try:
            with Client(address, attempts=attempts, timeout=60) as client:
                outcomes = client.classify_many([TEXT] * size, evidence_terms=evidence_terms, batch_documents=size)
                results.append(sum(isinstance(outcome, Result) for outcome in outcomes))
        except CallError as error:
            errors.append(error)

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(results), errors


@pytest.mark.parametrize(("evidence_terms", "size"), [(0, 200), (1, 40)])
def test_an_overloaded_server_is_called_again_when_it_says(narrow: Server, evidence_terms: int, size: int) -> None:
    errors: list[CallError] = []
    for _ in range(50):
        errors += results_of_callers(narrow.address, 1, evidence_terms, size)[1]
        if errors:
            break
    assert {type(error) for error in errors} == {Overloaded}
    assert {error.retry_seconds for error in errors} == {0.2}
    assert results_of_callers(narrow.address, 5, evidence_terms, size) == (2 * size, [])


@pytest.mark.parametrize(("evidence_terms", "size"), [(0, 10), (1, 100)])
def test_calls_outlast_a_server_that_is_started_again(
    models: Path, tmp_path: Path, evidence_terms: int, size: int
) -> None:
    """The batches with evidence are so large that some are half answered when the server dies."""
    server = start_server(models, tmp_path)
    documents = (TEXT for _ in range(600))
    with Client(server.address, timeout=60) as client:
        outcomes = client.classify_many(documents, evidence_terms=evidence_terms, batch_documents=size)
        found = [next(outcomes)]
        server.stop(signal.SIGKILL)
        restarted: list[Server] = []
        starter = threading.Thread(
            target=lambda: restarted.append(start_server(models, tmp_path, "--address", server.address))
        )
        starter.start()
        found += outcomes
        starter.join()
    assert [outcome.index for outcome in found] == list(range(600))
    assert all(isinstance(outcome, Result) for outcome in found)
    restarted[0].stop()


def health(address: str) -> int:
    with grpc.insecure_channel(address) as channel:
        response = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        return int(response.status)


async def classify_asynchronously(address: str, times: int) -> int:
    async with AsyncClient(address, attempts=1) as client:
        return len([await client.classify("Talks") for _ in range(times)])


def test_a_server_that_is_not_serving_gets_no_calls(models: Path, tmp_path: Path) -> None:
    """One of two is told to stop while a caller holds a stream open: it answers still, but with refusals."""
    leaving, staying = start_server(models, tmp_path), start_server(models, tmp_path)
    both = f"ipv4:{leaving.address},{staying.address}"
    held = threading.Event()

    def requests() -> Iterator[pb.StreamClassifyRequest]:
        yield pb.StreamClassifyRequest(document=pb.Document(id="a", text="Talks"))
        held.wait(60)

    with (
        grpc.insecure_channel(leaving.address) as channel,
        Client(both, attempts=1) as client,
    ):
        stream = pb_grpc.ClassificationServiceStub(channel).StreamClassify(requests())  # type: ignore[no-untyped-call]
        next(stream)
        client.classify("Talks")
        leaving.process.send_signal(signal.SIGTERM)
        while health(leaving.address) == health_pb2.HealthCheckResponse.SERVING:
            time.sleep(0.05)
        time.sleep(0.5)
        with Client(leaving.address, attempts=1) as other, pytest.raises(slugline_client.Unavailable):
            other.classify("Talks")
        assert len([client.classify("Talks") for _ in range(30)]) == 30
        assert asyncio.run(classify_asynchronously(both, 30)) == 30
        assert leaving.process.poll() is None
        held.set()
        assert list(stream) == []
    assert leaving.wait() == 0
    staying.stop()


def test_tls_and_tokens_let_callers_in(models: Path, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    shown, caller = authority.issue("server"), authority.issue("caller")
    tokens = tmp_path / "tokens"
    tokens.write_text(f"{TOKEN}\n")
    pair = ("--tls-cert", str(shown.cert), "--tls-key", str(shown.key), "--tls-client-ca", str(authority.path))
    server = start_server(models, tmp_path, *pair, "--tokens", str(tokens))
    tls = Tls.from_files(authority.path, caller.cert, caller.key, server_name="slugline.test")
    given: list[str] = []

    def current() -> str:
        given.append(TOKEN)
        return TOKEN

    with Client(server.address, tls=tls, token=current) as client:
        assert len(list(client.classify_many(["Talks", "Troops"], evidence_terms=1))) == 2
    assert len(given) == 2  # of GetModel and of the stream

    async def scene() -> None:
        async with AsyncClient(server.address, tls=tls, token=TOKEN) as client:
            assert (await client.classify("Talks")).topics

    asyncio.run(scene())
    with Client(server.address, tls=tls) as client, pytest.raises(slugline_client.Unauthenticated):
        client.classify("Talks")
    with Client(server.address, tls=tls, token=f"{TOKEN}\n") as client, pytest.raises(ValueError, match="line break"):
        client.classify("Talks")
    trusting = Tls.from_files(authority.path)
    with Client(server.address, tls=trusting, attempts=1) as client, pytest.raises(slugline_client.Unavailable):
        client.get_model()
    server.stop()


@pytest.mark.parametrize("address", ["slugline:50051", "dns:///10.0.0.1:50051", "ipv4:127.0.0.1:1,10.0.0.1:1"])
def test_a_token_never_crosses_a_network_in_the_clear(address: str) -> None:
    with pytest.raises(ValueError, match="unencrypted"):
        Client(address, token=TOKEN)


@pytest.mark.parametrize("address", ["localhost:1", "dns:///127.0.0.2:1", "ipv6:[::1]:1", "unix:/run/slugline.sock"])
def test_a_token_may_stay_on_the_machine(address: str) -> None:
    Client(address, token=TOKEN).close()


def test_mutual_tls_needs_both_halves() -> None:
    with pytest.raises(ValueError, match="both"):
        Tls(cert=b"PEM")
