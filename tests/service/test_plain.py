import asyncio
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


def test_before_there_is_a_model_and_with_that_of_scikit_learn_nothing_is_plain(models: Path) -> None:
    raw = pb.ClassifyRequest(document=pb.Document(text=TEXTS[0])).SerializeToString()
    servicer = ClassificationServicer(Limits(), Tally())
    assert servicer.ClassifyAtOnce(raw) is None
    servicer.use(store.load(store.find(models), "sklearn"))
    assert servicer.ClassifyAtOnce(raw) is None
