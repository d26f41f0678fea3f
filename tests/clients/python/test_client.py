"""The Python client, sync and asyncio, against real servers."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import slugline_client
from slugline.v1 import classification_pb2 as pb
from slugline.v1 import classification_pb2_grpc as pb_grpc
from slugline_client import AsyncClient, Client, Document, DocumentError, Reason, Result
from tests.conftest import Server, start_server

ARTICLE = Document(
    title="Envoy at the summit",
    text="Troops shelled positions while the ambassador held talks on the treaty with the ministers.",
    id="one",
)


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with Client(server.address) as opened:
        yield opened


def mixed(count: int) -> list[Document]:
    """Documents of which every seventh is blank, and every eleventh has no id."""
    return [
        Document(
            text=" " if number % 7 == 3 else f"{ARTICLE.text} The league played match {number}.",
            id="" if number % 11 == 5 else f"d{number}",
        )
        for number in range(count)
    ]


def test_one_document_has_the_scores_and_the_evidence_that_the_stubs_give(
    client: Client, stub: pb_grpc.ClassificationServiceStub
) -> None:
    request = pb.ClassifyRequest(
        document=pb.Document(id="one", title=ARTICLE.title, text=ARTICLE.text), evidence_terms=3
    )
    expected = stub.Classify(request)
    result = client.classify(ARTICLE, evidence_terms=3)
    assert (result.document_id, result.model_version) == ("one", expected.model_version)
    assert result.scores == {topic.topic: topic.score for topic in expected.topics}
    assert result.assigned == tuple(topic.topic for topic in expected.topics if topic.assigned)
    for topic, other in zip(result.topics, expected.topics, strict=True):
        assert (topic.threshold, topic.code) == (other.threshold, other.code)
        assert topic.evidence is not None
        terms = [(term.term, term.contribution) for term in topic.evidence.terms]
        assert terms == [(term.term, term.contribution) for term in other.evidence.terms]
        total = topic.evidence.bias + topic.evidence.others + sum(term.contribution for term in topic.evidence.terms)
        assert total == pytest.approx(topic.evidence.raw_score)
        for term in topic.evidence.terms:
            for span in term.spans:
                found = getattr(ARTICLE, span.field)[span.start : span.end].lower()
                assert found.split()[0] == term.term.split()[0]


def test_topics_can_be_chosen_and_scores_doubted(client: Client) -> None:
    result = client.classify("zymurgy", topics=["diplomacy"])
    assert list(result.scores) == ["diplomacy"]
    assert slugline_client.QualityWarning.FEW_KNOWN_WORDS in result.warnings
    assert result.topics[0].evidence is None
    with pytest.raises(TypeError, match="sequence of names"):
        client.classify("Talks", topics="diplomacy")


def test_the_model_is_described_with_its_limits(client: Client, stub: pb_grpc.ClassificationServiceStub) -> None:
    model, expected = client.get_model(), stub.GetModel(pb.GetModelRequest())
    assert (model.version, model.fingerprint) == (expected.version, expected.fingerprint)
    assert model.created.timestamp() == pytest.approx(expected.created.ToMicroseconds() / 1e6)
    assert [topic.metrics.support for topic in model.topics] == [topic.metrics.support for topic in expected.topics]
    assert model.limits.max_text_chars == 20_000
    assert model.metrics.macro_f1 == expected.metrics.macro_f1


@pytest.mark.parametrize("evidence_terms", [0, 2])
def test_many_come_back_in_order_with_the_errors_of_single_documents(client: Client, evidence_terms: int) -> None:
    documents = mixed(50)
    outcomes = list(client.classify_many(documents, evidence_terms=evidence_terms, batch_documents=8, in_flight=3))
    assert [outcome.index for outcome in outcomes] == list(range(50))
    for document, outcome in zip(documents, outcomes, strict=True):
        assert outcome.document_id == document.id
        if document.id and document.text.strip():
            assert isinstance(outcome, Result)
            alone = client.classify(document, evidence_terms=evidence_terms)
            assert outcome.scores == pytest.approx(alone.scores, abs=1e-9)
            assert (outcome.topics[0].evidence is not None) == bool(evidence_terms)
        else:
            assert isinstance(outcome, DocumentError)
            assert outcome.reason == (Reason.BLANK_TEXT if document.id else Reason.MISSING_ID)
            assert outcome.field == ("document.text" if document.id else "document.id")


def test_documents_that_no_message_can_carry_fail_alone(models: Path, tmp_path: Path) -> None:
    server = start_server(models, tmp_path, "--max-message-bytes", "20000")
    large, broken, long = "troops " * 4000, "talks \ud800", "troops " * 2000
    with Client(server.address) as client:
        outcomes = list(client.classify_many(["Talks on the treaty.", large, broken, *[long] * 3]))
    reasons = [outcome.reason if isinstance(outcome, DocumentError) else "" for outcome in outcomes]
    assert reasons == ["", Reason.TEXT_TOO_LONG, Reason.UNDECODABLE, "", "", ""]
    assert [outcome.document_id for outcome in outcomes] == ["0", "1", "", "3", "4", "5"]
    server.stop()


def test_an_iterable_is_read_no_further_ahead_than_asked_for(client: Client) -> None:
    read = 0

    def documents() -> Iterator[str]:
        nonlocal read
        while True:
            read += 1
            yield ARTICLE.text

    with closing(client.classify_many(documents(), batch_documents=5, in_flight=2)) as outcomes:  # type: ignore[type-var]
        next(outcomes)
    assert read <= 5 * 3


@pytest.mark.parametrize("given", [{"batch_documents": 0}, {"in_flight": 0}])
def test_bounds_that_let_nothing_through_are_refused(client: Client, given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        next(client.classify_many(["Talks"], **given))


def test_faults_of_a_call_are_errors_of_their_kind(client: Client) -> None:
    with pytest.raises(slugline_client.InvalidRequest, match="blank") as invalid:
        client.classify(" ")
    assert invalid.value.field == "document.text"
    with pytest.raises(slugline_client.InvalidRequest) as unknown:
        next(client.classify_many(["Talks"], topics=["sport"]))
    assert unknown.value.field == "topics"
    with pytest.raises(slugline_client.OtherVersion) as other:
        client.classify("Talks", model_version="never")
    assert other.value.serving == client.get_model().version
    with Client("127.0.0.1:1", attempts=1) as nowhere, pytest.raises(slugline_client.Unavailable):
        nowhere.get_model()


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a socket that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def test_every_call_has_a_deadline(silent: str) -> None:
    with Client(silent, timeout=0.2) as client, pytest.raises(slugline_client.DeadlineExceeded):
        client.get_model()
    with Client(silent, timeout=1000) as client, pytest.raises(slugline_client.DeadlineExceeded):
        client.classify("Talks", timeout=0.2)

    async def scene() -> None:
        async with AsyncClient(silent, timeout=0.2) as client:
            with pytest.raises(slugline_client.DeadlineExceeded):
                await client.classify("Talks")
            with pytest.raises(slugline_client.DeadlineExceeded):
                await anext(aiter(client.classify_many(["Talks"])))

    asyncio.run(scene())


def test_asyncio_has_the_same_answers(client: Client, server: Server) -> None:
    async def from_a_queue() -> AsyncIterator[Document]:
        for document in mixed(30):
            await asyncio.sleep(0)
            yield document

    async def scene() -> None:
        async with AsyncClient(server.address) as other:
            assert await other.get_model() == client.get_model()
            assert await other.classify(ARTICLE, evidence_terms=2) == client.classify(ARTICLE, evidence_terms=2)
            for terms in (0, 2):
                expected = list(client.classify_many(mixed(30), evidence_terms=terms, batch_documents=8))
                plain = other.classify_many(mixed(30), evidence_terms=terms, batch_documents=8)
                queued = other.classify_many(from_a_queue(), evidence_terms=terms, batch_documents=8)
                assert [outcome async for outcome in plain] == expected
                assert [outcome async for outcome in queued] == expected
            with pytest.raises(slugline_client.InvalidRequest) as invalid:
                await other.classify(" ")
            assert invalid.value.field == "document.text"

    asyncio.run(scene())


def test_leaving_an_asynchronous_iteration_leaves_nothing_running(server: Server) -> None:
    async def scene() -> None:
        async with AsyncClient(server.address) as client:
            outcomes = client.classify_many([ARTICLE.text] * 500, batch_documents=5)
            async for outcome in outcomes:
                assert outcome.index == 0
                break
            await outcomes.aclose()  # type: ignore[attr-defined]
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scene())


def test_one_client_serves_many_threads(client: Client) -> None:
    found: list[Result] = []

    def classify() -> None:
        found.extend(client.classify(ARTICLE) for _ in range(10))

    threads = [threading.Thread(target=classify) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [client.classify(ARTICLE)] * 80


def test_the_client_gets_along_with_the_stubs_of_slugline() -> None:
    from slugline_client.wire import classification_pb2 as own

    assert own.Document.DESCRIPTOR.full_name == pb.Document.DESCRIPTOR.full_name
    assert own.Document.DESCRIPTOR is not pb.Document.DESCRIPTOR
    assert pb.Document.FromString(own.Document(id="x").SerializeToString()).id == "x"


@pytest.mark.parametrize("given", [{"attempts": 6}, {"attempts": 0}, {"timeout": 0}])
def test_settings_out_of_range_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        Client("127.0.0.1:1", **given)
