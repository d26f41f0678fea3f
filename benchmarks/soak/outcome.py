"""What came out of a part: its tables, what went wrong, and lines over time where there are some."""

from dataclasses import dataclass, field

from benchmarks.results import Lines, Table


@dataclass
class Outcome:
    """`faults` is what must not be: with any of them the command fails. `skipped` says why nothing was run."""

    tables: list[Table] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    lines: Lines | None = None
    skipped: str = ""
