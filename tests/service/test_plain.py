import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.calls import Surroundings
from service.messages import Answers
from service.plain import in_stream
from service.reading import Reader
from service.rpc import handlers
from service.servicer import SERVICE, ClassificationServicer
from service.settings import Limits
from service.tally import Tally
from slugline import store
from slugline.documents import Document
from slugline.model import Model
from slugline.v1 import classification_pb2 as pb

CONTEXT: Any = SimpleNamespace(time_remaining=lambda: None, invocation_metadata=lambda: ())
TEXTS = ["Troops shelled the port at dawn.", "Envoys signed the treaty in Genève.", "x", "zzzz " * 9]


@given(
    values=st.lists(st.floats(0, 1), min_size=3, max_size=3), name=st.text(st.characters(codec="ascii"), max_size=127)
)
def test_a_reply_is_what_its_message_says(model: Model, values: list[float], name: str) -> None:
    answers = Answers(Reader(model, Tally()))
    message = answers.one(model.all_columns, Document("x", id=name), values, [])
    written = answers.plain.written(values, name.encode())
    assert pb.ClassifyResponse.FromString(written) == message


def test_codes_and_thresholds_come_with_it(model: Model) -> None:
    changed = msgspec.structs.replace
    topics = [changed(topic, code=f"medtop:{topic.name}", threshold=0.0) for topic in model.manifest.topics]
    coded = replace(model, manifest=changed(model.manifest, topics=topics))
    reply = pb.ClassifyResponse.FromString(Answers(Reader(coded, Tally())).plain.written([0.0, 0.5, 1.0], b""))
    assert [topic.code for topic in reply.topics] == [topic.code for topic in topics]
    assert [(topic.score, topic.assigned) for topic in reply.topics] == [(0.0, True), (0.5, True), (1.0, True)]


def serving(model: Model) -> tuple[ClassificationServicer, Tally]:
    tally = Tally()
    servicer = ClassificationServicer(Limits(), tally)
    servicer.use(model)
    return servicer, tally


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("fields", [{}, {"title": "Ceasefire"}, {"id": "a-7"}])
def test_calls_are_answered_and_counted_alike_at_once_and_by_message(
    model: Model, text: str, fields: dict[str, str]
) -> None:
    request = pb.ClassifyRequest(document=pb.Document(text=text, **fields))
    (one, counted), (other, counted_too) = serving(model), serving(model)
    written = one.ClassifyAtOnce(request.SerializeToString())
    assert written is not None
    assert pb.ClassifyResponse.FromString(written) == asyncio.run(other.Classify(request, CONTEXT))
    assert counted.snapshot() == counted_too.snapshot()


@pytest.mark.parametrize("text", [*TEXTS, "Fish &amp; chips", "a rocket 🚀", "long " * 5000])
def test_calls_that_are_not_plain_are_answered_by_message(model: Model, text: str) -> None:
    request = pb.ClassifyRequest(document=pb.Document(text=text), evidence_terms=0 if text not in TEXTS else 2)
    servicer, _ = serving(model)
    details: Any = SimpleNamespace(method="/slugline.v1.ClassificationService/Classify", invocation_metadata=())
    handler: Any = handlers(SERVICE, servicer, Surroundings(Tally())).service(details)
    assert servicer.ClassifyAtOnce(request.SerializeToString()) is None
    reply = asyncio.run(handler.unary_unary(request.SerializeToString(), CONTEXT))
    assert pb.ClassifyResponse.FromString(reply) == asyncio.run(servicer.Classify(request, CONTEXT))


@given(index=st.integers(0, 2**64 - 1), version=st.text(max_size=300), name=st.text(max_size=3))
def test_a_result_of_a_stream_is_what_its_message_says(index: int, version: str, name: str) -> None:
    result = pb.ClassifyResponse(model_version=version, document_id=name)
    written = in_stream(index, result.SerializeToString())
    assert pb.StreamClassifyResponse.FromString(written) == pb.StreamClassifyResponse(index=index, result=result)


async def streamed(servicer: ClassificationServicer, requests: list[pb.StreamClassifyRequest]) -> list[Any]:
    async def raws() -> AsyncIterator[bytes]:
        for request in requests:
            yield request.SerializeToString()

    return [pb.StreamClassifyResponse.FromString(raw) async for raw in servicer.StreamClassify(raws(), CONTEXT)]


def test_streams_are_answered_and_counted_alike_at_once_and_by_message(model: Model) -> None:
    documents = [
        pb.Document(id=str(number), text=text) for number, text in enumerate([*TEXTS, "a rocket 🚀", "", "..."])
    ]
    requests = [pb.StreamClassifyRequest(document=document) for document in [*documents, pb.Document(text=TEXTS[0])]]
    (one, counted), (other, counted_too) = serving(model), serving(model)
    # No caller sets a field that there is not, but one that does gets the same answer: by a message.
    unknown = b"\x98\x06\x01"
    by_message = [pb.StreamClassifyRequest.FromString(request.SerializeToString() + unknown) for request in requests]
    answers = asyncio.run(streamed(one, requests))
    assert answers == asyncio.run(streamed(other, by_message))
    assert [answer.index for answer in answers] == list(range(len(requests)))
    assert [answer.error.reason for answer in answers if answer.HasField("error")] == [
        pb.DOCUMENT_ERROR_REASON_BLANK_TEXT,
        pb.DOCUMENT_ERROR_REASON_MISSING_ID,
    ]
    assert counted.snapshot() == counted_too.snapshot()


def test_before_there_is_a_model_and_with_that_of_scikit_learn_nothing_is_plain(models: Path) -> None:
    raw = pb.ClassifyRequest(document=pb.Document(text=TEXTS[0])).SerializeToString()
    servicer = ClassificationServicer(Limits(), Tally())
    assert servicer.ClassifyAtOnce(raw) is None
    servicer.use(store.load(store.find(models), "sklearn"))
    assert servicer.ClassifyAtOnce(raw) is None
