"""Progress: how long work tells whoever waits for it."""

from typing import Protocol


class Progress(Protocol):
    """Told of each stage of the work, and of each step within it."""

    def stage(self, name: str, steps: int) -> None:
        """A new stage begins that takes `steps` steps."""

    def advance(self) -> None:
        """One step of the stage is done."""


class NoProgress:
    """Tells nobody."""

    def stage(self, name: str, steps: int) -> None:
        """Say nothing."""

    def advance(self) -> None:
        """Say nothing."""
