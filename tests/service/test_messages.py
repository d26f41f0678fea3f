from dataclasses import replace

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.messages import Answers, document_error, document_from, model_response
from service.reading import Reader
from service.settings import Limits
from service.tally import Tally
from slugline.documents import Document
from slugline.errors import BlankText
from slugline.model import Model
from slugline.quality import QualityWarning
from slugline.v1 import classification_pb2 as pb

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCORE = st.floats(0, 1)


def answers_of(model: Model) -> Answers:
    return Answers(Reader(model, Tally()))


@given(document=st.builds(Document, TEXT, TEXT, TEXT))
def test_documents_survive_the_wire(document: Document) -> None:
    message = pb.Document(id=document.id, title=document.title, text=document.text)
    assert document_from(pb.Document.FromString(message.SerializeToString())) == document


@given(scores=st.lists(SCORE, min_size=3, max_size=3), columns=st.sets(st.integers(0, 2)).map(sorted), name=TEXT)
def test_scores_survive_the_wire_to_the_last_bit(
    model: Model, scores: list[float], columns: list[int], name: str
) -> None:
    response = answers_of(model).one(columns, Document("x", id=name), scores, [])
    read = pb.ClassifyResponse.FromString(response.SerializeToString())
    assert read.document_id == name
    assert [topic.topic for topic in read.topics] == [model.topics[column] for column in columns]
    assert [topic.score for topic in read.topics] == [scores[column] for column in columns]
    for topic, column in zip(read.topics, columns, strict=True):
        assert topic.assigned == (scores[column] >= model.thresholds[column])


@given(rows=st.lists(st.lists(SCORE, min_size=3, max_size=3), min_size=1, max_size=5))
def test_batches_are_flat_row_after_row(model: Model, rows: list[list[float]]) -> None:
    response = answers_of(model).many([0, 2], np.array(rows), [], {1: [QualityWarning.OTHER_LANGUAGE]})
    read = pb.BatchClassifyResponse.FromString(response.SerializeToString())
    assert list(read.scores) == [row[column] for row in rows for column in (0, 2)]
    assert [(found.index, list(found.warnings)) for found in read.warnings] == [
        (1, [pb.QUALITY_WARNING_OTHER_LANGUAGE])
    ]
    assert list(read.thresholds) == [model.thresholds[0], model.thresholds[2]]


def test_a_documents_error_names_index_field_and_reason() -> None:
    error = document_error(3, "x", BlankText(), "documents[3]")
    assert (error.index, error.document_id, error.field) == (3, "x", "documents[3].text")
    assert error.reason == pb.DOCUMENT_ERROR_REASON_BLANK_TEXT
    assert "send the text" in error.message


def test_the_model_is_described_whole(model: Model) -> None:
    response = model_response(model.manifest, Limits(max_text_chars=7))
    assert response.version == model.version
    assert response.limits.max_text_chars == 7
    assert [topic.threshold for topic in response.topics] == model.thresholds.tolist()
    assert response.metrics.macro_f1 == model.manifest.metrics.macro_f1
    assert response.created.ToDatetime().year >= 2020


def test_topics_carry_their_codes(model: Model) -> None:
    topics = [
        msgspec.structs.replace(topic, code=f"medtop:{number}") for number, topic in enumerate(model.manifest.topics)
    ]
    coded = replace(model, manifest=msgspec.structs.replace(model.manifest, topics=topics))
    response = answers_of(coded).one([0, 2], Document("x"), [0.5] * 3, [])
    assert [topic.code for topic in response.topics] == ["medtop:0", "medtop:2"]
    assert [topic.code for topic in model_response(coded.manifest, Limits()).topics] == [t.code for t in topics]


def test_answers_do_not_share_anything(model: Model) -> None:
    answers = answers_of(model)
    one = answers.one([0, 1, 2], Document("x", id="a"), [1.0, 1.0, 1.0], list(QualityWarning), 3)
    other = answers.one([0, 1, 2], Document("x", id="b"), [0.0, 0.0, 0.0], [])
    assert [topic.assigned for topic in one.topics] == [True, True, True]
    assert [topic.assigned for topic in other.topics] == [False, False, False]
    assert one.topics[0].HasField("evidence")
    assert not other.topics[0].HasField("evidence")
    assert list(one.warnings) == [pb.QUALITY_WARNING_FEW_KNOWN_WORDS, pb.QUALITY_WARNING_OTHER_LANGUAGE]
    assert not other.warnings


def test_evidence_points_into_the_fields_that_were_sent(model: Model) -> None:
    document = Document("The &quot;talks&quot; and troops; talks!", "Envoy Talks", "a")
    response = answers_of(model).one([0, 1, 2], document, [0.0] * 3, [], 50)
    evidence = response.topics[model.topics.index("diplomacy")].evidence
    spans = {term.term: term.spans for term in evidence.terms}
    fields = {pb.SPAN_FIELD_TITLE: document.title, pb.SPAN_FIELD_TEXT: document.text}
    found = [(span.field, fields[span.field][span.start : span.end]) for span in spans["talks"]]
    assert found == [(pb.SPAN_FIELD_TITLE, "Talks"), (pb.SPAN_FIELD_TEXT, "talks"), (pb.SPAN_FIELD_TEXT, "talks")]
