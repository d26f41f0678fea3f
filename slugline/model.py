"""A model, loaded: it gives documents their topics."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from slugline.compiled.scorer import CompiledScorer, PlainReading
from slugline.compiled.tables import Tables
from slugline.errors import UnknownTopic
from slugline.explanation import Explanation, explain
from slugline.manifest import Manifest
from slugline.quality import QualityWarning, warnings_of
from slugline.scoring import PipelineScorer, Reading, Scorer, Scores

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


@dataclass(frozen=True)
class Model:
    """A loaded model: its manifest, its compiled tables, and the scikit-learn pipeline where that is to score."""

    manifest: Manifest
    tables: Tables
    pipeline: "Pipeline | None" = None

    @property
    def version(self) -> str:
        """The version of the model."""
        return self.manifest.version

    @cached_property
    def topics(self) -> tuple[str, ...]:
        """The names of the topics, in the order of the columns of scores."""
        return self.manifest.topic_names()

    @cached_property
    def thresholds(self) -> NDArray[np.float64]:
        """The score from which on each topic is assigned, shape (topics,)."""
        return np.array([topic.threshold for topic in self.manifest.topics])

    @cached_property
    def _compiled(self) -> CompiledScorer:
        return CompiledScorer(self.tables)

    @cached_property
    def _scorer(self) -> Scorer:
        return PipelineScorer(self.pipeline) if self.pipeline is not None else self._compiled

    def scores(self, contents: Sequence[str]) -> Scores:
        """The calibrated probability of every topic, shape (len(contents), topics)."""
        return self._scorer.scores(contents)

    def read(self, contents: Sequence[str]) -> Reading:
        """The scores of some texts, and how many of their words the model knows."""
        reading = self._compiled.read(contents)
        return reading if self.pipeline is None else replace(reading, scores=self._scorer.scores(contents))

    def read_one(self, content: str) -> tuple[list[float], list[int]]:
        """The scores of one text, and its row of `Reading.tokens`; what `read` gives, without arrays."""
        values, tokens = self._compiled.read_one(content)
        return values if self.pipeline is None else self._scorer.scores([content])[0].tolist(), tokens

    def read_request(self, raw: bytes) -> PlainReading | None:
        """Reads plain requests, as the compiled scorer does; none is plain where scikit-learn is to score."""
        return self._compiled.read_request(raw) if self.pipeline is None else None

    def warnings(self, tokens: Sequence[int]) -> tuple[QualityWarning, ...]:
        """What makes the scores of one text doubtful; `tokens` is its row of `Reading.tokens`, as plain numbers."""
        return warnings_of(tokens[0], tokens[1], self.manifest.known_share_floor)

    def assigned(self, scores: NDArray[np.float64]) -> tuple[str, ...]:
        """The names of the topics that one row of scores, shape (topics,), assigns."""
        return tuple(name for name, yes in zip(self.topics, scores >= self.thresholds, strict=True) if yes)

    @cached_property
    def all_columns(self) -> tuple[int, ...]:
        """The columns of all topics."""
        return tuple(range(len(self.topics)))

    def columns(self, topics: Sequence[str]) -> tuple[int, ...]:
        """The columns of the named topics, in the model's order; of all topics where none is named.

        Raises:
            UnknownTopic: the model has no topic of that name.
        """
        if not topics:
            return self.all_columns
        for topic in topics:
            if topic not in self.topics:
                raise UnknownTopic(topic, self.topics)
        return tuple(column for column, name in enumerate(self.topics) if name in topics)

    def explain(self, content: str) -> list[Explanation]:
        """Why one text gets its scores, one explanation for each topic."""
        return explain(self._compiled, content)
