"""The plan of one training: the recipe, and what is asked of the result."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from slugline.errors import UnknownTopic
from training.recipe import Recipe

Split = Literal["folds", "time"]


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How to train and what to hold.

    `min_precision` is the precision, above 0 and at most 1, that some topics' thresholds must reach out of fold.
    `split` says what the figures are measured on: "folds" on all articles, each by a model that has not seen it; "time"
    on the newest fifth, by a model of the older ones.
    `no_topic_share` is the share, between 0 and 1, of the articles of the feed to be tagged that have none of the
    topics; None where it is as in the articles learned from.
    """

    recipe: Recipe = field(default_factory=Recipe)
    min_precision: Mapping[str, float] = field(default_factory=dict)
    split: Split = "folds"
    no_topic_share: float | None = None

    def check_topics(self, names: tuple[str, ...]) -> None:
        """Do nothing where all topics that something is asked of are among `names`.

        Raises:
            UnknownTopic: `min_precision` names another.
        """
        for name in self.min_precision:
            if name not in names:
                raise UnknownTopic(name, names)
