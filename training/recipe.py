"""The recipe: every choice of how a model is trained. The defaults did best in nested cross-validation."""

from dataclasses import dataclass, field
from typing import Literal

from slugline.features import FeatureSettings
from training.weighting import Weighting


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train.

    `regularisation` is LinearSVC's C (above 0; larger fits closer); `class_weight` "balanced" counts the rarer side of
    a topic as much as the other; `folds` is the number of parts for out-of-fold scores; `seed` fixes all chance.
    """

    features: FeatureSettings = field(default_factory=FeatureSettings)
    weighting: Weighting = "chi2"
    regularisation: float = 1.0
    class_weight: Literal["balanced"] | None = None
    folds: int = 5
    seed: int = 0
