"""Names and places that stand for themselves where none is given."""

from typing import Literal

DEFAULT_NAME = "default"
DEFAULT_MODELS = "models"
DEFAULT_SEEDS = "seeds"
DEFAULT_ADDRESS = "127.0.0.1:50051"

ScorerName = Literal["compiled", "sklearn"]
"""The compiled scorer needs no scikit-learn; the plain pipeline is what it is proved against."""
