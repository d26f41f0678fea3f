"""The manifest of a model: what it is, what it was made of, and the digest of every file beside it."""

from pathlib import Path
from typing import Any

import msgspec

from slugline.errors import ModelCorrupt, ModelIncompatible, ModelNotFound

MANIFEST_FILE = "manifest.json"
FORMAT_VERSION = 2


class TopicMetrics(msgspec.Struct, frozen=True):
    """How well a topic is found. All but support lie in 0 to 1."""

    precision: float
    recall: float
    f1: float
    average_precision: float
    support: int


class ModelMetrics(msgspec.Struct, frozen=True):
    """Means over the topics, and how honest the probabilities are; each 0 to 1."""

    macro_precision: float
    macro_recall: float
    macro_f1: float
    micro_precision: float
    micro_recall: float
    micro_f1: float
    mean_average_precision: float
    expected_calibration_error: float


class ManifestTopic(msgspec.Struct, frozen=True):
    """A topic of a model, with the score from which on it is assigned and its out-of-fold metrics.

    `code` is what a newsroom's standard calls it, as ``scheme:code``, or empty.
    """

    name: str
    definition: str
    threshold: float
    metrics: TopicMetrics
    code: str = ""


class FileDigest(msgspec.Struct, frozen=True):
    """The SHA-256, in hex, and the size in bytes of one file."""

    sha256: str
    size: int


class Probe(msgspec.Struct, frozen=True):
    """A text and its scores as the scikit-learn pipeline gave them at publication, in the order of the topics."""

    text: str
    scores: list[float]


class Manifest(msgspec.Struct, frozen=True):
    """Everything about a model but its numbers."""

    format_version: int
    name: str
    version: str
    created: str
    topics: list[ManifestTopic]
    metrics: ModelMetrics
    data_digest: str
    documents: int
    settings: dict[str, Any]
    libraries: dict[str, str]
    fingerprint: str
    probes: list[Probe]
    files: dict[str, FileDigest]

    def topic_names(self) -> tuple[str, ...]:
        """The names of the topics, in the order of the columns of scores."""
        return tuple(topic.name for topic in self.topics)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest into a model's folder."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (folder / MANIFEST_FILE).write_bytes(text + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a model's folder.

    Raises:
        ModelNotFound: the folder has no manifest.
        ModelCorrupt: the manifest is damaged.
        ModelIncompatible: the manifest is of another format version.
    """
    path = folder / MANIFEST_FILE
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ModelNotFound(f"{folder}: no model here: {path.name}: {error.strerror}") from None
    try:
        format_version = msgspec.json.decode(raw, type=_AnyManifest).format_version
        if format_version != FORMAT_VERSION:
            raise ModelIncompatible(
                f"{path}: has format {format_version}, this Slugline reads {FORMAT_VERSION}; train the model again"
            )
        return msgspec.json.decode(raw, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelCorrupt(f"{path}: is damaged: {error}; restore the file or train the model again") from None


class _AnyManifest(msgspec.Struct):
    format_version: int
