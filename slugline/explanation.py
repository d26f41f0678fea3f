"""Explanations: the terms of a document that spoke for and against each topic, and where they stand.

The model is linear in its features, so a document's raw score is exactly the bias plus a contribution of every feature.
A feature of words, in the whole text or its lead, is a term by itself. A character n-gram belongs to the words it
occurs in: its contribution is shared among them by occurrence, so that editors read words and the sum stays exact.
"""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from slugline.compiled.scorer import CompiledScorer

Span = tuple[int, int]
"""Where something stands in a text: its first character, and the one after its last."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a document got its score for one topic: raw_score = bias + the sum of `contributions`, in log-odds.

    `spans` has, for each term, where it stands in the text.
    """

    raw_score: float
    bias: float
    contributions: dict[str, float]
    spans: dict[str, list[Span]] = field(default_factory=dict)

    def strongest(self, most: int) -> list[tuple[str, float]]:
        """Up to `most` terms that spoke for the topic, loudest first, then up to `most` against it."""
        ranked = sorted(self.contributions.items(), key=lambda item: (-item[1], item[0]))
        against = [item for item in reversed(ranked) if item[1] < 0]
        return [item for item in ranked if item[1] > 0][:most] + against[:most]

    def others(self, most: int) -> float:
        """The sum of the contributions that `strongest(most)` leaves out."""
        return self.raw_score - self.bias - sum(value for _, value in self.strongest(most))


def explain(scorer: CompiledScorer, content: str) -> list[Explanation]:
    """Explain the raw score of every topic for one text."""
    mentions = scorer.mentions(content)
    lowered, biases = content.lower(), scorer.biases
    contributions: dict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros(len(biases)))
    spans: dict[str, set[Span]] = defaultdict(set)
    for start, end, values in zip(mentions.starts.tolist(), mentions.ends.tolist(), mentions.values, strict=True):
        bare_start, bare_end = _bare(lowered, start, end)
        # A pair of words may stand on two lines.
        term = " ".join(lowered[bare_start:bare_end].split())
        contributions[term] += values
        spans[term].add((bare_start, bare_end))
    position = positions(content, lowered)
    where = {
        term: sorted((position[start], position[end - 1] + 1) for start, end in places)
        for term, places in spans.items()
    }
    return [
        Explanation(float(raw), float(bias), {term: float(v[topic]) for term, v in contributions.items()}, where)
        for topic, (raw, bias) in enumerate(zip(mentions.raw_scores, biases, strict=True))
    ]


def positions(content: str, lowered: str) -> "range | list[int]":
    """For each character of the lower-cased text, the character of `content` that it comes from."""
    if len(content) == len(lowered):
        return range(len(content))
    return [index for index, character in enumerate(content) for _ in character.lower()]


def _bare(text: str, start: int, end: int) -> Span:
    """The span without the punctuation around it, or as it is where there is nothing else."""
    first, last = start, end
    while first < last and not text[first].isalnum():
        first += 1
    while last > first and not text[last - 1].isalnum():
        last -= 1
    return (first, last) if first < last else (start, end)
