"""Training past memory: the same model as `training.train` makes, of articles that are read from disk over and over.

They are read three times: to check them (`survey`), to count their n-grams, and to write their counts to disk, from
which the model is learned. Calibration, thresholds and figures come from articles that were held out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import FeatureUnion

from slugline.corpus import LabelledDocument
from slugline.errors import NotEnoughExamples, TooFewHeldOut
from slugline.features import FeatureSettings, build_features, families
from slugline.model import Model
from slugline.pipeline import fingerprint
from training import compiling, coverage
from training.evaluation import evaluate
from training.learner import Linear, check_learnable
from training.matrices import fit_vectorizer, smoothed_idf
from training.plan import TrainingPlan
from training.progress import Progress
from training.recipe import with_lead
from training.selection import select
from training.splits import Labels, label_matrix
from training.streaming.blocks import Blocks
from training.streaming.held_out import HeldOut, are_held_out
from training.streaming.learner import StreamingLearner, presence_in
from training.streaming.memory import MemoryPlan
from training.streaming.ngrams import Candidates, Counting
from training.streaming.spill import Spill
from training.streaming.stories import Sketches, sketches
from training.streaming.survey import Survey
from training.train import LEAST_EXAMPLES, Fitted, calibrate, calibrated_pipeline, first_manifest
from training.weighting import Presence

_CHUNK_CHARACTERS = 1_000_000
_CHUNK_ARTICLES = 5000


@dataclass(frozen=True)
class Streamed(Fitted):
    """A model that was trained past memory; `documents` are the held-out articles that `scores` and `labels` are of.

    `learned` is how many articles it has learned from, `told_twice` how many were held out and yet not measured on,
    because near-duplicates of them were learned from.
    """

    documents: Sequence[LabelledDocument]
    learned: int
    told_twice: int


def train_streaming(survey: Survey, plan: TrainingPlan, limit: int, spill: Spill, progress: Progress) -> Streamed:
    """Train a model of the topics that were surveyed, in `limit` bytes of memory.

    Raises:
        TooFewHeldOut: a topic cannot be measured on the held-out articles.
        UnknownTopic: `plan.min_precision` names no topic.
        UnreachablePrecision: no threshold holds the precision asked for.
    """
    names = tuple(topic.name for topic in survey.topics)
    plan.check_topics(names)
    memory = MemoryPlan(limit, len(names))
    recipe = with_lead(replace(plan.recipe, latent=None), long=2 * survey.long_articles >= len(survey))
    plan = replace(plan, recipe=recipe)
    work = _Work(survey, plan, memory, spill, progress)
    held_out = work.hold_out_and_count()
    _check_measurable(names, held_out.labels(), held_out.stories())
    work.write_blocks(held_out)
    return work.learn(held_out)


class _Work:
    """One training, step by step; what a step finds is there for the next."""

    def __init__(
        self, survey: Survey, plan: TrainingPlan, memory: MemoryPlan, spill: Spill, progress: Progress
    ) -> None:
        self._survey = survey
        self._names = [topic.name for topic in survey.topics]
        self._plan = plan
        self._memory = memory
        self._spill = spill
        self._progress = progress
        self._learned = 0

    def hold_out_and_count(self) -> HeldOut:
        """Choose the articles to hold out, and find the n-grams of the others that may become features."""
        self._progress.stage("Counting words", len(self._survey))
        counting = Counting(self._plan.recipe.features, self._memory.ngrams)
        held_out = HeldOut(self._spill)
        for chunk in self._chunks():
            counting.add([labelled.document.content() for labelled in chunk.learn])
            held_out.add(chunk.hold, chunk.hold_sketches, self._labels(chunk.hold))
            self._learned += len(chunk.learn)
            self._progress.advance(len(chunk.learn) + len(chunk.hold))
        min_df, self._candidates = counting.candidates(self._plan.recipe.features.min_df, self._memory.features)
        features = replace(self._plan.recipe.features, min_df=min_df)
        self._plan = replace(self._plan, recipe=replace(self._plan.recipe, features=features))
        return held_out

    def write_blocks(self, held_out: HeldOut) -> None:
        """Write the counts of all articles to disk, and keep a few texts."""
        self._progress.stage("Writing counts", len(self._survey))
        self._blocks = Blocks(self._spill, self._candidates, learn=True)
        self._held_blocks = Blocks(self._spill, self._candidates, learn=False)
        step = max(1, self._learned // coverage.SAMPLE)
        self._sample: list[str] = []
        seen = 0
        for chunk in self._chunks():
            contents = [labelled.document.content() for labelled in chunk.learn]
            self._sample += contents[-seen % step :: step]
            seen += len(contents)
            self._blocks.add(contents, self._labels(chunk.learn))
            held_out.compare(chunk.learn_sketches)
            self._progress.advance(len(chunk.learn) + len(chunk.hold))
        for first in range(0, len(held_out), _CHUNK_ARTICLES):
            for documents in _cut(held_out[first : first + _CHUNK_ARTICLES]):
                self._held_blocks.add([labelled.document.content() for labelled in documents], self._labels(documents))

    def learn(self, held_out: HeldOut) -> Streamed:
        """Learn, measure, and put the model together."""
        recipe = self._plan.recipe
        idfs = [smoothed_idf(candidates.articles, self._learned, recipe.features) for candidates in self._candidates]
        presence = presence_in(self._blocks, idfs, self._progress)
        _select(idfs, presence, recipe.most_terms)
        entries = self._memory.entries(sum(map(len, idfs)))
        learner = StreamingLearner(
            self._blocks, idfs, presence, recipe, self._spill, entries=entries, threads=self._memory.threads
        )
        linears = learner.fit(self._progress)
        unseen = held_out.unseen()
        labels = held_out.labels()[unseen]
        _check_measurable(tuple(self._names), labels, held_out.stories()[unseen])
        raw_scores = self._held_scores(idfs, linears)[unseen]
        calibration = calibrate(self._names, raw_scores, labels, self._plan)
        evaluation = evaluate(calibration.scores, calibration.thresholds, labels)
        self._progress.stage("Compiling", 1)
        kept = np.concatenate([idf > 0 for idf in idfs])
        linears = [Linear(linear.weights[kept], linear.bias) for linear in linears]
        features = _fitted_features(recipe.features, self._candidates, idfs)
        pipeline = calibrated_pipeline(features, linears, calibration.sigmoids)
        tables, probes = compiling.compiled(pipeline, self._sample)
        manifest = msgspec.structs.replace(
            first_manifest(
                self._survey.digest, len(self._survey), self._survey.topics, calibration.thresholds, evaluation, probes
            ),
            fingerprint=fingerprint(pipeline),
            known_share_floor=coverage.known_share_floor(features, self._sample, self._learned),
        )
        return Streamed(
            model=Model(manifest, tables),
            pipeline=pipeline,
            recipe=recipe,
            scores=calibration.scores,
            labels=labels,
            documents=_Chosen(held_out, unseen),
            learned=self._learned,
            told_twice=len(held_out) - len(unseen),
        )

    def _held_scores(self, idfs: Sequence[NDArray[np.float64]], linears: Sequence[Linear]) -> NDArray[np.float64]:
        return np.concatenate(
            [
                np.column_stack([linear.raw_scores(features) for linear in linears])
                for features, _ in self._held_blocks.read(idfs, self._held_blocks.blocks)
            ]
        )

    def _labels(self, documents: Sequence[LabelledDocument]) -> Labels:
        return label_matrix([labelled.topics for labelled in documents], self._names)

    def _chunks(self) -> Iterator["_Chunk"]:
        for documents in _cut(self._survey.documents()):
            found = sketches([labelled.document.content() for labelled in documents])
            held = are_held_out(found, len(self._survey), self._plan.recipe.seed)
            learn = [labelled for labelled, is_held in zip(documents, held, strict=True) if not is_held]
            hold = [labelled for labelled, is_held in zip(documents, held, strict=True) if is_held]
            yield _Chunk(learn, hold, found[~held], found[held])


@dataclass(frozen=True)
class _Chunk:
    """Some articles: those to learn from, those to hold out, and the sketches of both."""

    learn: list[LabelledDocument]
    hold: list[LabelledDocument]
    learn_sketches: Sketches
    hold_sketches: Sketches


class _Chosen(Sequence[LabelledDocument]):
    """Some of the held-out articles."""

    def __init__(self, held_out: HeldOut, rows: NDArray[np.int64]) -> None:
        self._held_out = held_out
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> LabelledDocument:  # type: ignore[override]
        return self._held_out[int(self._rows[row])]


def _cut(documents: Iterable[LabelledDocument]) -> Iterator[list[LabelledDocument]]:
    """Articles in lists that fit in memory."""
    chunk: list[LabelledDocument] = []
    characters = 0
    for labelled in documents:
        chunk.append(labelled)
        characters += len(labelled.document.text)
        if characters >= _CHUNK_CHARACTERS or len(chunk) == _CHUNK_ARTICLES:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def _check_measurable(names: tuple[str, ...], labels: Labels, stories: NDArray[np.int64]) -> None:
    try:
        check_learnable(names, labels, stories, LEAST_EXAMPLES)
    except NotEnoughExamples as error:
        raise TooFewHeldOut(str(error), len(labels)) from None


def _select(idfs: Sequence[NDArray[np.float64]], presence: Presence, most: int | None) -> None:
    """Set to 0 the idf of n-grams that are not among the `most` telling ones of their family."""
    first = 0
    for idf in idfs:
        select(idf, presence.of(slice(first, first + len(idf))), most)
        first += len(idf)


def _fitted_features(
    settings: FeatureSettings, candidates: Sequence[Candidates], idfs: Sequence[NDArray[np.float64]]
) -> FeatureUnion:
    """The fitted scikit-learn union of the n-grams that are features."""
    union = build_features(settings)
    for (_, vectorizer), found, idf in zip(families(union), candidates, idfs, strict=True):
        fit_vectorizer(vectorizer, found.terms, idf)
    return union
