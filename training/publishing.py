"""From a request to train to a published version."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from slugline import store
from slugline.corpus import Corpus, LabelledDocument, read_corpus, topics_file_beside
from slugline.errors import ModelError
from slugline.formats.reading import PLAIN, Reading
from slugline.manifest import Manifest, read_manifest
from slugline.topics import Topic, read_no_topic_share, read_topics, topics_from_labels
from slugline.verification import verified
from training.data_card import DataCard
from training.plan import TrainingPlan
from training.progress import Progress
from training.streaming.spill import Spill

if TYPE_CHECKING:
    from slugline.signing import SigningKey
    from training.train import Fitted


@dataclass(frozen=True, slots=True)
class Streaming:
    """Training past memory: how many bytes of memory it may take, and the folder for what does not fit in them."""

    memory: int
    scratch: Path | None = None


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What to learn from, and where the model goes; `signing_key`, where there is one, signs it."""

    data: tuple[Path, ...]
    models: Path
    name: str
    topics_file: Path | None = None
    reading: Reading = PLAIN
    promote: bool = False
    if_changed: bool = False
    plan: TrainingPlan = field(default_factory=TrainingPlan)
    signing_key: "SigningKey | None" = None
    streaming: Streaming | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """A version on disk. `current` is the version in use now; `is_new` is False where nothing had to be trained.

    `left_out` counts the articles that were not learned from, because nobody has labelled them.
    """

    folder: Path
    manifest: Manifest
    current: str
    is_new: bool
    left_out: int = 0

    @property
    def is_current(self) -> bool:
        """Whether this version is the one in use."""
        return self.manifest.version == self.current


def train_and_publish(request: TrainingRequest, progress: Progress) -> Published:
    """Train as asked and publish the model; promote it when asked to, or when its name has no current version.

    Raises:
        InputError: the data, the topics or the request are at fault; nothing was published.
    """
    with _source(request, progress) as source:
        settings = training_settings(source.plan, source.topics) | source.settings
        current = store.current_version(request.models, request.name)
        if request.if_changed and current:
            unchanged = _same_training(request, current, source.digest, settings)
            if unchanged:
                folder = request.models / request.name / current
                return Published(folder, unchanged, current, False, source.left_out)
        # Imported here, so that finding nothing changed does not wait for the libraries that draw and learn.
        from training.report.render import render

        fitted, documents, card = source.fit(progress)
        progress.stage("Writing the report", 1)
        model = replace(fitted.model, manifest=msgspec.structs.replace(fitted.model.manifest, settings=settings))
        extras = render(request.name, replace(fitted, model=model), documents, card, source.plan)
    progress.stage("Publishing", 1)
    folder = store.publish(request.models, request.name, model, fitted.pipeline, extras, request.signing_key)
    if request.promote or current is None:
        store.promote(request.models, request.name, folder.name)
        current = folder.name
    return Published(folder, read_manifest(folder), current, True, source.left_out)


Result = tuple["Fitted", Sequence[LabelledDocument], DataCard]
"""A fitted model, the articles that its scores are of, and figures of all the articles."""


@dataclass(frozen=True)
class _Source:
    """Articles that were read and checked, and how to fit a model to them; `settings` belong to the way it is done."""

    digest: str
    left_out: int
    topics: tuple[Topic, ...]
    plan: TrainingPlan
    settings: dict[str, object]
    fit: Callable[[Progress], Result]


@contextmanager
def _source(request: TrainingRequest, progress: Progress) -> Iterator[_Source]:
    plan = _completed(request.plan, request.topics_file or topics_file_beside(request.data))
    if request.streaming is None:
        yield _in_memory(request, plan, progress)
        return
    with Spill(request.streaming.scratch or request.models) as spill:
        yield _streamed(request, request.streaming, plan, spill, progress)


def _in_memory(request: TrainingRequest, plan: TrainingPlan, progress: Progress) -> _Source:
    progress.stage("Reading articles", 1)
    corpus, topics = read_labelled(request.data, request.topics_file, request.reading)

    def fit(progress: Progress) -> Result:
        from training.train import train

        return train(corpus, topics, plan, progress), corpus.documents, DataCard.of(corpus.documents)

    return _Source(corpus.digest, corpus.left_out, topics, plan, {}, fit)


def _streamed(
    request: TrainingRequest, streaming: Streaming, plan: TrainingPlan, spill: Spill, progress: Progress
) -> _Source:
    from training.streaming.survey import survey

    topics_file = request.topics_file or topics_file_beside(request.data)
    known = read_topics(topics_file) if topics_file else None
    found = survey(request.data, known, request.reading, spill, progress)

    def fit(progress: Progress) -> Result:
        from training.streaming.train import train_streaming

        streamed = train_streaming(found, plan, streaming.memory, spill, progress)
        return streamed, streamed.documents, found.card

    settings: dict[str, object] = {"streaming": {"memory": streaming.memory}}
    return _Source(found.digest, found.left_out, found.topics, plan, settings, fit)


def read_labelled(
    data: tuple[Path, ...], topics_file: Path | None, reading: Reading = PLAIN
) -> tuple[Corpus, tuple[Topic, ...]]:
    """The articles and their topics: from the file named, topics.toml beside the data, or else the labels."""
    topics_file = topics_file or topics_file_beside(data)
    if topics_file is None:
        corpus = read_corpus(data, reading=reading)
        return corpus, topics_from_labels(corpus.labels())
    topics = read_topics(topics_file)
    return read_corpus(data, [topic.name for topic in topics], reading), topics


def _completed(plan: TrainingPlan, topics_file: Path | None) -> TrainingPlan:
    """The plan with what the topics file says where the plan says nothing."""
    if plan.no_topic_share is not None or topics_file is None:
        return plan
    return replace(plan, no_topic_share=read_no_topic_share(topics_file))


def training_settings(plan: TrainingPlan, topics: tuple[Topic, ...]) -> dict[str, object]:
    """Everything but the articles that a model depends on, as its manifest holds it."""
    settings = {
        "recipe": asdict(plan.recipe),
        "topics": [asdict(topic) for topic in topics],
        "min_precision": dict(plan.min_precision),
        "split": plan.split,
        "no_topic_share": plan.no_topic_share,
    }
    plain: dict[str, object] = msgspec.json.decode(msgspec.json.encode(settings))
    return plain


def _same_training(request: TrainingRequest, current: str, digest: str, settings: dict[str, object]) -> Manifest | None:
    """The manifest of the current version if it was trained on the same articles with the same settings, and is whole.

    It must bear the request's signature: nobody knows what has happened to one that does not, so that is not signed
    now but trained again.
    """
    folder = request.models / request.name / current
    try:
        version = verified(folder)
    except ModelError:
        return None
    if request.signing_key and not request.signing_key.has_signed(folder, version.raw_manifest):
        return None
    manifest = version.manifest
    return manifest if (manifest.data_digest, manifest.settings) == (digest, settings) else None
