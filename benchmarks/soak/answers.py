"""What answers must say: every one is held to what the model itself says of the same documents."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.soak.articles import documents
from slugline import store
from slugline.documents import Document
from slugline.v1 import classification_pb2 as pb


class WrongAnswer(Exception):
    """An answer came that must not."""


class Expected:
    """The answers of the model that is current in a folder of models; all its versions must score alike."""

    def __init__(self, models: Path) -> None:
        folder = store.find(models)
        model = store.load(folder)
        self.documents = documents()
        self.topics = model.topics
        self._versions = set(store.version_names(folder.parent.parent, folder.parent.name))
        self._scores = model.scores([document.content() for document in self.documents])
        self._thresholds = model.thresholds
        self._numbers = {document.id: number for number, document in enumerate(self.documents)}

    def check_one(self, answer: pb.ClassifyResponse, document: Document, *, evidence: bool) -> None:
        """Version, id, topics, scores and evidence of the answer for one document."""
        require(answer.model_version in self._versions, f"version {answer.model_version!r}")
        require(answer.document_id == document.id, f"{answer.document_id!r} instead of {document.id!r}")
        require(tuple(topic.topic for topic in answer.topics) == self.topics, "other topics")
        self._check_scores([topic.score for topic in answer.topics], [self._numbers[document.id]])
        for topic, threshold in zip(answer.topics, self._thresholds, strict=True):
            require(topic.threshold == threshold and topic.assigned == (topic.score >= threshold), "threshold")
            require(topic.HasField("evidence") == evidence, "evidence that was not asked for, or none")
            if evidence:
                _check_evidence(topic, document)

    def check_many(self, answer: pb.BatchClassifyResponse, sent: Sequence[Document], bad: Sequence[int]) -> None:
        """Version, topics, scores and errors of the answer for many documents; `bad` is where those at fault stand."""
        require(answer.model_version in self._versions, f"version {answer.model_version!r}")
        require(tuple(answer.topics) == self.topics, "other topics")
        require([error.index for error in answer.errors] == list(bad), "other documents at fault")
        scores = np.array(answer.scores).reshape(len(sent), len(self.topics))
        good = [index for index in range(len(sent)) if index not in bad]
        require(bool(np.isnan(scores[list(bad)]).all()), "a document at fault has scores")
        self._check_scores(scores[good].ravel().tolist(), [self._numbers[sent[index].id] for index in good])

    def _check_scores(self, found: Sequence[float], numbers: Sequence[int]) -> None:
        expected = self._scores[list(numbers)].ravel()
        require(bool(np.allclose(found, expected, rtol=0, atol=store.AGREEMENT)), f"scores {found} not {expected}")


def _check_evidence(topic: pb.TopicScore, document: Document) -> None:
    evidence = topic.evidence
    total = evidence.bias + sum(term.contribution for term in evidence.terms) + evidence.others
    require(abs(total - evidence.raw_score) < 1e-6, "evidence does not sum to the raw score")
    require(abs(1 / (1 + np.exp(-evidence.raw_score)) - topic.score) < 1e-9, "raw score is not that of the score")
    sizes = {pb.SPAN_FIELD_TITLE: len(document.title), pb.SPAN_FIELD_TEXT: len(document.text)}
    for term in evidence.terms:
        for span in term.spans:
            require(0 <= span.start < span.end <= sizes[span.field], f"{term.term!r} stands outside of its field")


def require(right: bool, what: str) -> None:
    """Raise WrongAnswer, which says `what`, unless all is `right`."""
    if not right:
        raise WrongAnswer(what)
