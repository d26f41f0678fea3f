"""Two ways for the command line to classify, behind one interface: a model in this process, or a server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from slugline.documents import DEFAULT_MAX_TEXT_CHARS, Document, check_document
from slugline.errors import DocumentError

if TYPE_CHECKING:
    # A caller of a server must not wait for scikit-learn to be imported.
    from slugline.model import Model


@dataclass(frozen=True, slots=True)
class Outcome:
    """The topics and scores of one document and what makes them doubtful, or the `error` why it has none."""

    topics: tuple[str, ...] = ()
    scores: dict[str, float] | None = None
    error: str = ""
    warnings: tuple[str, ...] = ()

    def row(self, document_id: str | None, codes: Mapping[str, str]) -> dict[str, object]:
        """The row of output for this document; `codes` are those of the topics that have one."""
        row: dict[str, object] = {"id": document_id, "topics": self.topics, "scores": self.scores or {}}
        if codes:
            row["codes"] = [codes[topic] for topic in self.topics if topic in codes]
        if self.warnings:
            row["warnings"] = self.warnings
        return row | {"error": self.error} if self.error else row


class Classifier(Protocol):
    """Anything that gives documents their topics. `max_text_chars` is the longest title and text it takes.

    `codes` are what a newsroom's standard calls the topics, of those that have one.
    """

    max_text_chars: int
    thresholds: dict[str, float]
    codes: dict[str, str]

    def classify(self, document: Document) -> Outcome:
        """The topics of one document, which needs no id."""

    def classify_many(self, documents: Sequence[Document]) -> list[Outcome]:
        """The topics of many documents, each with an id, in their order."""


class LocalClassifier:
    """Classifies with a model loaded into this process."""

    def __init__(self, model: "Model") -> None:
        self.max_text_chars = DEFAULT_MAX_TEXT_CHARS
        self.thresholds = dict(zip(model.topics, model.thresholds.tolist(), strict=True))
        self.codes = {topic.name: topic.code for topic in model.manifest.topics if topic.code}
        self._model = model

    def classify(self, document: Document) -> Outcome:
        """The topics of one document."""
        try:
            check_document(document, max_text_chars=self.max_text_chars, needs_id=False)
        except DocumentError as error:
            return Outcome(error=str(error))
        return self._outcomes([document])[0]

    def classify_many(self, documents: Sequence[Document]) -> list[Outcome]:
        """The topics of many documents that have been checked, in their order."""
        return self._outcomes(documents)

    def _outcomes(self, documents: Sequence[Document]) -> list[Outcome]:
        model = self._model
        reading = model.read([document.content() for document in documents])
        return [
            Outcome(
                model.assigned(row),
                dict(zip(model.topics, row.tolist(), strict=True)),
                warnings=tuple(warning.value for warning in model.warnings(tokens)),
            )
            for row, tokens in zip(reading.scores, reading.tokens.tolist(), strict=True)
        ]
