"""Explanations: the terms of a document that spoke for and against each topic, and where they stand.

The model is linear in its features, so a document's raw score is exactly the bias plus a contribution of every feature.
A feature of words, in the whole text or its lead, is a term by itself. A character n-gram belongs to the words it
occurs in: its contribution is shared among them by occurrence, so that editors read words and the sum stays exact.
"""

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from slugline.compiled.scorer import CompiledScorer, Mentions

_WORD = re.compile(r"\w\w+")

Span = tuple[int, int]
"""Where something stands in a text: its first character, and the one after its last."""


@dataclass(frozen=True)
class Places:
    """Where terms stand in a text: mention i is one of the term numbered `terms_of[i]`."""

    content: str
    lowered: str
    numbers: dict[str, int]
    terms_of: NDArray[np.int64]
    mentions: Mentions

    def of(self, term: str) -> list[Span]:
        """Every place of one term in the text as it was given, from its beginning on."""
        spans = set()
        for mention in np.flatnonzero(self.terms_of == self.numbers[term]).tolist():
            span = int(self.mentions.starts[mention]), int(self.mentions.ends[mention])
            spans.add(span if self.mentions.of_words[mention] else _bare(self.lowered, span)[1])
        return sorted((self._positions[start], self._positions[end - 1] + 1) for start, end in spans)

    @cached_property
    def _positions(self) -> "range | list[int]":
        return positions(self.content, self.lowered)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a document got its score for one topic: raw_score = bias + the sum of `contributions`, in log-odds.

    `places` tells where each term stands in the text.
    """

    raw_score: float
    bias: float
    contributions: dict[str, float]
    places: Places

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
    lowered, numbers = content.lower(), dict[str, int]()
    numbered: list[int] = []
    for start, end, of_words in zip(
        mentions.starts.tolist(), mentions.ends.tolist(), mentions.of_words.tolist(), strict=True
    ):
        term = lowered[start:end]
        if not term.isalnum():
            term = _words(term) if of_words else _bare(lowered, (start, end))[0]
        numbered.append(numbers.setdefault(term, len(numbers)))
    terms_of = np.array(numbered, dtype=np.int64)
    places = Places(content, lowered, numbers, terms_of, mentions)
    explanations = []
    for topic, (raw_score, bias) in enumerate(zip(mentions.raw_scores.tolist(), scorer.biases.tolist(), strict=True)):
        sums = np.bincount(terms_of, weights=mentions.values[:, topic], minlength=len(numbers)).tolist()
        explanations.append(Explanation(raw_score, bias, dict(zip(numbers, sums, strict=True)), places))
    return explanations


def positions(content: str, lowered: str) -> "range | list[int]":
    """For each character of the lower-cased text, the character of `content` that it comes from."""
    if len(content) == len(lowered):
        return range(len(content))
    return [index for index, character in enumerate(content) for _ in character.lower()]


def _words(text: str) -> str:
    """The words of a pair, without what stands between them."""
    return " ".join(_WORD.findall(text))


def _bare(text: str, span: Span) -> tuple[str, Span]:
    """A token without the punctuation around it, or as it is where there is nothing else."""
    first, last = span
    while first < last and not text[first].isalnum():
        first += 1
    while last > first and not text[last - 1].isalnum():
        last -= 1
    if first == last:
        first, last = span
    return text[first:last], (first, last)
