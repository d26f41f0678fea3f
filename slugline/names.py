"""Names and places that stand for themselves where none is given."""

DEFAULT_NAME = "default"
DEFAULT_MODELS = "models"
DEFAULT_SEEDS = "seeds"
DEFAULT_ADDRESS = "127.0.0.1:50051"
