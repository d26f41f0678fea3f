"""Comparison: whether one model is better than another, or whether it only looks so on the articles at hand.

Both models are measured on the same articles. How far the differences would move with other articles is learned by
drawing the articles again with replacement, each time for both models alike (the paired bootstrap), and an interval is
read off the percentiles of the differences that come out. Articles that tell one story are drawn together, for they are
no evidence of their own (the cluster bootstrap).

Sources: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13 (percentile intervals); Koehn,
"Statistical significance tests for machine translation evaluation", 2004, and Berg-Kirkpatrick, Burkett and Klein, "An
empirical investigation of statistical significance in NLP", 2012 (both systems on each resample); Davison and Hinkley,
"Bootstrap Methods and their Application", 1997, section 3.8 (clusters).
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from slugline.corpus import Corpus
from slugline.errors import NoCommonTopic, TooFewArticles
from slugline.model import Model
from training.duplicates import story_groups
from training.progress import Progress
from training.resampling import Measured, resampled_counts, resamples_at_a_time
from training.splits import label_matrix

LEAST_STORIES = 10
"""With fewer, even a resample without a single changed article is too rare for an interval to mean anything."""
_RESAMPLES = 1000
_BEYOND_EACH_END = 10
_ROUNDING = 1e-9
"""A difference smaller than this is one of arithmetic."""

Verdict = Literal["better", "worse", "no significant difference"]


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How many resamples, how much of their differences the interval holds (0 to 1), and the seed of all chance."""

    resamples: int = _RESAMPLES
    confidence: float = 0.95
    seed: int = 0

    @classmethod
    def of_gate(cls, topics: int, confidence: float) -> "Bootstrap":
        """For a gate that judges the F1 of each topic and macro-F1 at once, and is to be right about all of them.

        Each row gets its share of the doubt (Bonferroni's correction; Dunn, 1961): where nothing is worse, a gate at a
        `confidence` of 0.95 refuses one candidate in forty at most, however many topics there are. There are as many
        more resamples as it takes for ten of them to lie beyond each end of an interval.
        """
        doubt = (1 - confidence) / (topics + 1)
        return cls(resamples=max(_RESAMPLES, math.ceil(_BEYOND_EACH_END / (doubt / 2))), confidence=1 - doubt)


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of two models, each 0 to 1, and `difference`, B less A, which lies in `low` to `high`.

    The verdict is on B: better or worse where the interval lies on one side of 0.
    """

    a: float
    b: float
    difference: float
    low: float
    high: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class TopicComparison:
    """The figures of a topic; `support` articles have it, and B assigns it to `gained` and `lost` other than A."""

    precision: Difference
    recall: Difference
    f1: Difference
    average_precision: Difference
    support: int
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class MeanComparison:
    """The means over the topics that both models have."""

    macro_f1: Difference
    micro_f1: Difference
    mean_average_precision: Difference


@dataclass(frozen=True, slots=True)
class Comparison:
    """Version B against version A on `articles` articles that tell `stories` stories.

    Only topics that both have are compared; `changed` articles have other ones of these under B than under A. The
    verdict is "worse" if macro-F1 or any topic's F1 is, or else that on macro-F1. Every row is judged on its own: at
    95 % confidence, of 40 rows without a difference two are found to have one.
    """

    a: str
    b: str
    articles: int
    stories: int
    changed: int
    topics: dict[str, TopicComparison]
    means: MeanComparison
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    bootstrap: Bootstrap
    verdict: Verdict

    def worse(self) -> list[str]:
        """In what B is worse than A, in words: macro-F1 and the F1 of topics, and topics that B lacks."""
        found = [f"it lacks the topic {topic}" for topic in self.only_a]
        rows = {"macro-F1": self.means.macro_f1} | {f"F1 of {name}": topic.f1 for name, topic in self.topics.items()}
        for name, row in rows.items():
            if row.verdict == "worse":
                found.append(
                    f"{name} falls from {row.a:.3f} to {row.b:.3f} (interval {row.low:+.3f} to {row.high:+.3f})"
                )
        return found


def compare(a: Model, b: Model, corpus: Corpus, bootstrap: Bootstrap, progress: Progress) -> Comparison:
    """Compare model B with model A on labelled articles, by the topics that both have.

    Raises:
        NoCommonTopic: there are none.
        TooFewArticles: the articles tell fewer than ten stories.
    """
    topics = [topic for topic in a.topics if topic in b.topics]
    if not topics:
        raise NoCommonTopic(a.topics, b.topics)
    contents = corpus.contents()
    labels = label_matrix(corpus.labels(), topics)
    progress.stage("Finding near-duplicates", 1)
    groups = story_groups(contents)
    stories = int(groups.max()) + 1
    if stories < LEAST_STORIES:
        raise TooFewArticles(stories, LEAST_STORIES)
    progress.stage("Scoring", 2)
    measured = []
    for model in (a, b):
        columns = [model.topics.index(topic) for topic in topics]
        measured.append(Measured(model.scores(contents)[:, columns], model.thresholds[columns], labels))
        progress.advance()
    differences = _differences(measured[0], measured[1], groups, bootstrap, progress)
    return _comparison(a, b, topics, measured, differences, groups, bootstrap)


def _differences(
    a: Measured, b: Measured, groups: NDArray[np.int64], bootstrap: Bootstrap, progress: Progress
) -> list[Difference]:
    """The differences of all figures, in the order of `Measured.point`."""
    progress.stage("Resampling", math.ceil(bootstrap.resamples / resamples_at_a_time(len(groups))))
    resampled = []
    for counts in resampled_counts(groups, bootstrap.resamples, bootstrap.seed):
        resampled.append(b.figures(counts) - a.figures(counts))
        progress.advance()
    tail = (1 - bootstrap.confidence) / 2
    lows, highs = np.quantile(np.hstack(resampled), [tail, 1 - tail], axis=1)
    return [
        Difference(of_a, of_b, of_b - of_a, low, high, _verdict(low, high))
        for of_a, of_b, low, high in zip(a.point.tolist(), b.point.tolist(), lows.tolist(), highs.tolist(), strict=True)
    ]


def _verdict(low: float, high: float) -> Verdict:
    if low > _ROUNDING:
        return "better"
    return "worse" if high < -_ROUNDING else "no significant difference"


def _comparison(
    a: Model,
    b: Model,
    topics: list[str],
    measured: list[Measured],
    differences: list[Difference],
    groups: NDArray[np.int64],
    bootstrap: Bootstrap,
) -> Comparison:
    before, after = measured[0].assigned, measured[1].assigned
    count = len(topics)
    by_topic = {
        name: TopicComparison(
            differences[j],
            differences[count + j],
            differences[2 * count + j],
            differences[3 * count + j],
            support=measured[0].evaluation.topics[j].support,
            gained=int((after & ~before)[:, j].sum()),
            lost=int((before & ~after)[:, j].sum()),
        )
        for j, name in enumerate(topics)
    }
    means = MeanComparison(*differences[4 * count :])
    any_worse = any(topic.f1.verdict == "worse" for topic in by_topic.values())
    return Comparison(
        a=a.version,
        b=b.version,
        articles=len(groups),
        stories=int(groups.max()) + 1,
        changed=int((before != after).any(axis=1).sum()),
        topics=by_topic,
        means=means,
        only_a=tuple(topic for topic in a.topics if topic not in b.topics),
        only_b=tuple(topic for topic in b.topics if topic not in a.topics),
        bootstrap=bootstrap,
        verdict="worse" if any_worse else means.macro_f1.verdict,
    )
