"""Progress: how long work tells whoever waits for it."""

from typing import Protocol


class Progress(Protocol):
    """Told of each stage of the work, and of each step within it."""

    def stage(self, name: str, steps: int | None) -> None:
        """A new stage begins that takes `steps` steps; None where nobody knows yet how many."""

    def advance(self, steps: int = 1) -> None:
        """So many steps of the stage are done."""


class NoProgress:
    """Tells nobody."""

    def stage(self, name: str, steps: int | None) -> None:
        """Say nothing."""

    def advance(self, steps: int = 1) -> None:
        """Say nothing."""
