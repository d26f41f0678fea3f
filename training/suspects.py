"""Suspects: articles whose labels are probably wrong.

An article is suspect when a model that has not seen it is nearly sure of the opposite of its label (the idea of
confident learning; Northcutt, Jiang and Chuang, 2021), or when a near-duplicate of it is labelled differently.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slugline.corpus import Corpus, LabelledDocument
from slugline.topics import Topic
from training.duplicates import near_duplicates
from training.plan import TrainingPlan
from training.progress import Progress
from training.train import train

LEAST_SURPRISE = 0.9


@dataclass(frozen=True, slots=True)
class Mislabel:
    """A label that a model doubts: the out-of-fold `score`, 0 to 1, of a topic the article has or has not."""

    document: LabelledDocument
    topic: str
    has_topic: bool
    score: float

    def __str__(self) -> str:
        says = "has" if self.has_topic else "has not"
        where = f"{self.document.path}:{self.document.line}"
        return f"{where}: {says} {self.topic!r}, but scores {self.score:.3f}; is the label right?"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two near-duplicates with different topics; `containment` is the share of their words in common, 0.5 to 1."""

    first: LabelledDocument
    second: LabelledDocument
    containment: float

    def __str__(self) -> str:
        return (
            f"{self.second.path}:{self.second.line}: shares {self.containment:.0%} of its words with "
            f"{self.first.path}:{self.first.line}, "
            f"but has topics {list(self.second.topics)} and not {list(self.first.topics)}"
        )


def conflicts(documents: Sequence[LabelledDocument]) -> list[Conflict]:
    """Near-duplicates that are labelled differently, the most alike first."""
    found = [
        Conflict(documents[i], documents[j], containment)
        for i, j, containment in near_duplicates([labelled.document.content() for labelled in documents])
        if set(documents[i].topics) != set(documents[j].topics)
    ]
    return sorted(found, key=lambda conflict: -conflict.containment)


def mislabels(corpus: Corpus, topics: Sequence[Topic], progress: Progress) -> list[Mislabel]:
    """Labels that a model which has not seen the article is nearly sure are wrong, the most doubtful first.

    Raises:
        NotEnoughExamples: there are too few articles to have a model that doubts.
    """
    trained = train(corpus, topics, TrainingPlan(), progress)
    surprise = np.abs(trained.scores - trained.labels)
    rows, columns = np.nonzero(surprise >= LEAST_SURPRISE)
    order = np.argsort(-surprise[rows, columns], kind="stable")
    return [
        Mislabel(
            corpus.documents[row],
            topics[column].name,
            bool(trained.labels[row, column]),
            float(trained.scores[row, column]),
        )
        for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True)
    ]
