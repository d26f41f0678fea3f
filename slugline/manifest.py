"""The manifest of a model: what it is, what it was made of, and the digest of every file beside it."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from slugline.errors import ModelCorrupt, ModelIncompatible, ModelNotFound

if TYPE_CHECKING:
    from slugline.signing import SigningKey

MANIFEST_FILE = "manifest.json"
SIGNATURE_FILE = "manifest.sig"
FORMAT_VERSION = 2

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""A number of things, as the API can tell it."""
"""A number of things, as the API can tell it."""


class TopicMetrics(msgspec.Struct, frozen=True):
    """How well a topic is found. All but support lie in 0 to 1."""

    precision: float
    recall: float
    f1: float
    average_precision: float
    support: Count


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
    size: Count

    @classmethod
    def of(cls, path: Path) -> "FileDigest":
        """The digest of a file as it stands there."""
        content = path.read_bytes()
        return cls(hashlib.sha256(content).hexdigest(), len(content))


class Probe(msgspec.Struct, frozen=True):
    """A text and its scores as the scikit-learn pipeline gave them at publication, in the order of the topics."""

    text: str
    scores: list[float]


class Manifest(msgspec.Struct, frozen=True):
    """Everything about a model but its numbers.

    `known_share_floor` is the share of known words, 0 to 1, below which a text is hardly in the model's language.
    """

    format_version: int
    name: str
    version: str
    created: str
    topics: list[ManifestTopic]
    metrics: ModelMetrics
    data_digest: str
    documents: Count
    settings: dict[str, Any]
    libraries: dict[str, str]
    fingerprint: str
    probes: list[Probe]
    files: dict[str, FileDigest]
    known_share_floor: float = 0.0

    def topic_names(self) -> tuple[str, ...]:
        """The names of the topics, in the order of the columns of scores."""
        return tuple(topic.name for topic in self.topics)


def write_manifest(folder: Path, manifest: Manifest, signing_key: "SigningKey | None" = None) -> None:
    """Write the manifest into a model's folder, and its signature where there is a key to sign it."""
    raw = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    (folder / MANIFEST_FILE).write_bytes(raw)
    if signing_key is not None:
        (folder / SIGNATURE_FILE).write_bytes(signing_key.signature_of(raw))


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a model's folder.

    Raises:
        ModelNotFound, ModelCorrupt, ModelIncompatible: as `manifest_bytes` and `parse_manifest`.
    """
    return parse_manifest(folder, manifest_bytes(folder))


def manifest_bytes(folder: Path) -> bytes:
    """The manifest of a model's folder, as it stands there.

    Raises:
        ModelNotFound: the folder has no manifest.
    """
    path = folder / MANIFEST_FILE
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelNotFound(f"{folder}: no model here: {path.name}: {error.strerror}") from None


def parse_manifest(folder: Path, raw: bytes) -> Manifest:
    """The manifest that the bytes `raw`, of the model in `folder`, are.

    Raises:
        ModelCorrupt: the manifest is damaged.
        ModelIncompatible: the manifest is of another format version.
    """
    path = folder / MANIFEST_FILE
    try:
        format_version = msgspec.json.decode(raw, type=_AnyManifest).format_version
        if format_version != FORMAT_VERSION:
            raise ModelIncompatible(
                f"{path}: has format {format_version}, this Slugline reads {FORMAT_VERSION}; train the model again"
            )
        manifest = msgspec.json.decode(raw, type=Manifest)
        _check(manifest)
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError) as error:
        raise ModelCorrupt(f"{path}: is damaged: {error}; restore the file or train the model again") from None
    return manifest


def _check(manifest: Manifest) -> None:
    """What the types leave open, and what those who read a manifest rely on."""
    datetime.fromisoformat(manifest.created).astimezone(UTC)
    if any(len(probe.scores) != len(manifest.topics) for probe in manifest.probes):
        raise ValueError("a probe has another number of scores than there are topics")


class _AnyManifest(msgspec.Struct):
    format_version: int
