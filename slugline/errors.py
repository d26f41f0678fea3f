"""What can go wrong, in Slugline's own words.

Every error says what was wrong, where, and what to do. None of them knows of gRPC or of exit codes: the service maps
them to status codes in `service/status.py`, the command line to exit codes in `slugline/cli/exit_codes.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class SluglineError(Exception):
    """The base of all errors that Slugline raises on purpose."""


class InputError(SluglineError):
    """Something given by the user is wrong; nothing was changed."""


class DocumentError(InputError):
    """A document that cannot be classified.

    `field` is the path of the field at fault, seen from the document (``text``, ``id``).
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class BlankText(DocumentError):
    """The text of a document is empty or white space."""

    def __init__(self) -> None:
        super().__init__("text", "is blank; send the text of the article")


class TextTooLong(DocumentError):
    """Title and text of a document are longer than allowed."""

    def __init__(self, chars: int, most: int) -> None:
        super().__init__("text", f"has {chars} characters with its title, at most {most} are taken; send a part of it")
        self.chars = chars
        self.most = most


class MissingId(DocumentError):
    """A document among many has no id."""

    def __init__(self) -> None:
        super().__init__("id", "is missing; among many documents each needs one")


class NotUnicode(DocumentError):
    """A text holds half a surrogate pair, which is no character."""

    def __init__(self, field: str) -> None:
        super().__init__(field, "holds half a surrogate pair, which is no character; encode the article as UTF-8")


class UnknownTopic(InputError):
    """A topic was asked for that the model does not have."""

    def __init__(self, topic: str, known: Sequence[str]) -> None:
        super().__init__(f"no topic {topic!r:.100} in this model; it has {', '.join(known)}")
        self.topic = topic
        self.known = tuple(known)


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault of a file: `path`, `line` or row counted from 1, and what is wrong there."""

    path: Path
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.problem}"


class FaultyData(InputError):
    """Labelled data that cannot be trained or measured on; `faults` names every one, or the first ones of `found`."""

    def __init__(self, faults: Sequence[Fault], found: int = 0) -> None:
        shown = "\n".join(map(str, faults[:20]))
        more = max(found, len(faults)) - 20
        rest = f"\n... and {more} more; `slugline check` lists all" if more > 0 else ""
        super().__init__(f"{shown}{rest}")
        self.faults = tuple(faults)


class DataNotFound(InputError):
    """A path that should hold articles does not exist, or holds none."""


class LibraryMissing(InputError):
    """A file needs a library that is not installed; `extra` is what brings it with Slugline, where there is one."""

    def __init__(self, what: str, library: str, extra: str = "") -> None:
        install = f"slugline[{extra}]" if extra else library
        super().__init__(f"{what} needs {library}, which is not installed; install it with: pip install '{install}'")


class UnknownFormat(InputError):
    """The format of a file cannot be told, or a format is asked for that there is not."""


class LossyConversion(InputError):
    """A format has no place for all that the articles hold; nothing was written. `lost` counts the articles of each."""

    def __init__(self, path: Path, format_name: str, lost: Mapping[str, int]) -> None:
        what = "; ".join(f"{name} (of {count} articles)" for name, count in lost.items())
        super().__init__(
            f"{path}: {format_name} has no place for {what}; give --lossy to do without, or another format"
        )
        self.lost = dict(lost)


class TopicsFileError(InputError):
    """A topics file that cannot be understood."""


class RecipeFileError(InputError):
    """A recipe file that cannot be understood."""


class KeyFileError(InputError):
    """A file of keys that cannot be used, or must not be overwritten."""


class TokenFileError(InputError):
    """A file of bearer tokens that cannot be understood; the message never holds a token."""


class CertificateFileError(InputError):
    """A file of certificates, or the key to one, that cannot be used."""


class NotEnoughExamples(InputError):
    """A topic has too few articles to learn it, or the data too few articles without it."""

    def __init__(self, topic: str, kind: str, has: int, needs: int) -> None:
        super().__init__(f"topic {topic!r} has {has} {kind} articles and needs at least {needs}; label more of them")
        self.topic = topic
        self.has = has
        self.needs = needs


class TooFewHeldOut(InputError):
    """A topic of which too few articles were held out to measure on; `problem` says which, and how many there are."""

    def __init__(self, problem: str, held_out: int) -> None:
        super().__init__(
            f"among the {held_out} articles that were held out to measure on: {problem}; "
            "training without --streaming measures on all articles, and needs a tenth as many"
        )


class TooFewArticles(InputError):
    """There are too few articles to tell a difference from chance."""

    def __init__(self, stories: int, least: int) -> None:
        super().__init__(
            f"the data tell {stories} different stories, too few to tell a difference from chance; "
            f"label {least} at the very least"
        )


class NoCommonTopic(InputError):
    """Two models that should be compared have no topic in common."""

    def __init__(self, a: Sequence[str], b: Sequence[str]) -> None:
        super().__init__(f"the models have no topic in common: one has {', '.join(a)}, the other {', '.join(b)}")


class UndatedArticles(InputError):
    """A split by time was asked for, and articles have no date."""

    def __init__(self, path: Path, line: int, count: int) -> None:
        super().__init__(
            f"{path}:{line}: published: is missing, and in {count} articles altogether; a split by time needs it"
        )


class UnreachablePrecision(InputError):
    """No threshold holds the precision that was asked for."""

    def __init__(self, topic: str, wanted: float, best: float) -> None:
        super().__init__(f"topic {topic!r} cannot reach precision {wanted:g}; the best that can be had is {best:.3f}")
        self.topic = topic
        self.best = best


class ModelError(SluglineError):
    """A model on disk that cannot be used."""


class ModelNotFound(ModelError):
    """There is no model where one was looked for."""


class ModelCorrupt(ModelError):
    """A model's files are not what its manifest says."""


class ModelUntrusted(ModelError):
    """A model that no trusted key has signed; nothing of it was used."""


class ModelIncompatible(ModelError):
    """A model was written for other versions of Slugline or of the libraries it needs."""


class ScorersDiffer(ModelError):
    """The compiled scorer and the scikit-learn pipeline give a text different scores; nothing was published."""

    def __init__(self, text: str, difference: float) -> None:
        super().__init__(
            f"the compiled scorer and scikit-learn differ by {difference:.3g} on {text!r:.80}; "
            "nothing was published; report this text"
        )


class NotWritable(ModelError):
    """A folder of models cannot be written to."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"{folder}: cannot be changed: {reason}; make it writable, or name another with --models")


class StoreUnavailable(ModelError):
    """The object storage that holds models does not answer, or refuses."""


class CannotRollBack(ModelError):
    """There is no version to go back to, or it cannot be used."""


class CannotPrune(ModelError):
    """Versions cannot be removed safely."""


class PromotionRefused(SluglineError):
    """A version is not as good as the current one; `reasons` says in what."""

    def __init__(self, version: str, current: str, reasons: Sequence[str]) -> None:
        super().__init__(
            f"{version} is worse than the current version: {'; '.join(reasons)}\n"
            f"{current} stays current; --force promotes all the same"
        )
        self.reasons = tuple(reasons)


class ServerUnavailable(SluglineError):
    """A server did not answer, is not ready, or is shutting down."""


class WorkersDied(SluglineError):
    """The workers of a cluster died over what they were asked to do, several times over."""


class ServerRefused(SluglineError):
    """A server answered a call with an error."""


class CannotServe(SluglineError):
    """The server cannot start as it was told to."""


class EmptyBatch(InputError):
    """A batch without documents."""

    def __init__(self) -> None:
        super().__init__("holds no documents; send at least one")


class TooManyDocuments(InputError):
    """A batch with more documents than allowed."""

    def __init__(self, documents: int, most: int) -> None:
        super().__init__(f"holds {documents} documents, at most {most} are taken; send several batches")


class Undecodable(InputError):
    """The bytes of a message are not what they should be."""

    def __init__(self, message: str) -> None:
        super().__init__(f"is not a valid {message}; send what protos/ describes, strings as UTF-8")


class TooManyTerms(InputError):
    """More evidence was asked for than allowed."""

    def __init__(self, terms: int, most: int) -> None:
        super().__init__(f"asks for {terms} terms, at most {most} are given; ask for fewer")


class FieldError(InputError):
    """A field of a request cannot be taken as it is; `field` is its path in the request."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


class UnknownModel(SluglineError):
    """A model was asked for that is not the one being served."""

    def __init__(self, name: str, serving: str) -> None:
        super().__init__(f"no model {name!r} here; this server has {serving!r}")
        self.name = name


class NotOffered(SluglineError):
    """A method of a protocol was called that Slugline has no use for."""


class OtherVersion(SluglineError):
    """A version was asked for that is not the one in use."""

    def __init__(self, wanted: str, serving: str) -> None:
        super().__init__(f"version {wanted!r:.100} was asked for, {serving!r} is in use; ask for that one, or for none")
        self.serving = serving


class UnknownService(SluglineError):
    """The health of a service was asked for that the server does not have."""

    def __init__(self, service: str) -> None:
        super().__init__(f"no service {service!r:.100} here; ask for the server's own health with an empty name")
        self.service = service


class NotNow(SluglineError):
    """The server cannot answer this call now; `retry_seconds` is how long to wait before another try."""

    retry_seconds = 1.0


class NotReady(NotNow):
    """The model is not loaded yet, or the server is shutting down."""


class Overloaded(NotNow):
    """As many calls are under way as the server takes at the same time."""

    retry_seconds = 0.2

    def __init__(self, most: int, what: str) -> None:
        super().__init__(f"{most} {what} are under way, more are not taken at the same time; try again shortly")


class CallerGone(SluglineError):
    """Nobody waits for the answer any more: the caller has cancelled the call."""

    def __init__(self) -> None:
        super().__init__("the caller has cancelled the call; nothing more was done for it")


class DeadlinePassed(CallerGone):
    """Nobody waits for the answer any more: its deadline has passed."""

    def __init__(self) -> None:
        SluglineError.__init__(self, "the deadline of the call has passed; nothing more was done for it")


class Unauthenticated(SluglineError):
    """A call came without a token that the server knows; the message never holds the one it came with."""
