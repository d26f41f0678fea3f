"""From a request to train to a published version."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from slugline import store
from slugline.corpus import Corpus, read_corpus, topics_file_beside
from slugline.errors import ModelError
from slugline.formats.reading import PLAIN, Reading
from slugline.manifest import Manifest, read_manifest
from slugline.topics import Topic, read_no_topic_share, read_topics, topics_from_labels
from slugline.verification import verified
from training.plan import TrainingPlan
from training.progress import Progress

if TYPE_CHECKING:
    from slugline.signing import SigningKey


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
    progress.stage("Reading articles", 1)
    corpus, topics = read_labelled(request.data, request.topics_file, request.reading)
    plan = _completed(request.plan, request.topics_file or topics_file_beside(request.data))
    settings = training_settings(plan, topics)
    current = store.current_version(request.models, request.name)
    if request.if_changed and current:
        unchanged = _same_training(request, current, corpus, settings)
        if unchanged:
            return Published(request.models / request.name / current, unchanged, current, False, corpus.left_out)
    # Imported here, so that finding nothing changed does not wait for the libraries that draw and learn.
    from training.report.render import render
    from training.train import train

    trained = train(corpus, topics, plan, progress)
    progress.stage("Writing the report", 1)
    model = replace(trained.model, manifest=msgspec.structs.replace(trained.model.manifest, settings=settings))
    extras = render(request.name, replace(trained, model=model), corpus, plan)
    progress.stage("Publishing", 1)
    folder = store.publish(request.models, request.name, model, trained.pipeline, extras, request.signing_key)
    if request.promote or current is None:
        store.promote(request.models, request.name, folder.name)
        current = folder.name
    return Published(folder, read_manifest(folder), current, True, corpus.left_out)


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


def _same_training(
    request: TrainingRequest, current: str, corpus: Corpus, settings: dict[str, object]
) -> Manifest | None:
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
    return manifest if (manifest.data_digest, manifest.settings) == (corpus.digest, settings) else None
