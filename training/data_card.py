"""The data card: what articles a model was trained on, in figures; gathered article by article."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from slugline.corpus import LabelledDocument

_LENGTHS = ((0, 30), (30, 75), (75, 150), (150, 300), (300, 10**9))
_MOST_COMBINATIONS = 1000
OTHER_COMBINATIONS = "other combinations"


@dataclass
class DataCard:
    """How many articles and words there are, of which topics, lengths and years."""

    articles: int = 0
    words: int = 0
    titled: int = 0
    paths: set[Path] = field(default_factory=set)
    combinations_counted: Counter[str] = field(default_factory=Counter)
    lengths_counted: Counter[int] = field(default_factory=Counter)
    first_year: str = ""
    last_year: str = ""

    @classmethod
    def of(cls, documents: Iterable[LabelledDocument]) -> "DataCard":
        """The card of all these articles."""
        card = cls()
        for labelled in documents:
            card.add(labelled)
        return card

    def add(self, labelled: LabelledDocument) -> None:
        """Take in an article."""
        words = len(labelled.document.content().split())
        self.articles += 1
        self.words += words
        self.titled += bool(labelled.document.title)
        self.paths.add(labelled.path)
        self.lengths_counted[next(low for low, high in _LENGTHS if words < high)] += 1
        topics = " + ".join(sorted(labelled.topics)) or "no topic"
        known = topics in self.combinations_counted or len(self.combinations_counted) < _MOST_COMBINATIONS
        self.combinations_counted[topics if known else OTHER_COMBINATIONS] += 1
        year = labelled.published[:4]
        if year:
            self.first_year = min(self.first_year or year, year)
            self.last_year = max(self.last_year, year)

    @property
    def files(self) -> int:
        """How many files the articles came from."""
        return len(self.paths)

    @property
    def combinations(self) -> list[tuple[str, int]]:
        """How many articles have each combination of topics, the most frequent first."""
        return self.combinations_counted.most_common()

    @property
    def lengths(self) -> list[tuple[str, int]]:
        """How many articles are how long, in words."""
        return [
            (f"{low} to {high - 1}" if high < 10**9 else f"{low} and more", self.lengths_counted[low])
            for low, high in _LENGTHS
        ]

    @property
    def years(self) -> str:
        """The first and the last year of publication."""
        return f"{self.first_year} to {self.last_year}" if self.first_year else "not given"
