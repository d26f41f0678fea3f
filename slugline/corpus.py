"""The corpus: articles in files, labelled or not.

Whatever the format of a file, its rows are ``{"id", "title", "text", "topics": [...]}``. `title` is optional; `topics`
is required where the articles are labelled, and ``[]`` is an explicit negative. Other fields are left alone.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from slugline.documents import Document, check_document
from slugline.errors import DataNotFound, DocumentError, Fault, FaultyData
from slugline.formats.reading import PLAIN, Reading
from slugline.formats.records import Fields, Record
from slugline.topics import TOPICS_FILE, name_problem

_ANY_LENGTH = 10**9


@dataclass(frozen=True, slots=True)
class LabelledDocument:
    """A document with the names of its topics, and where it stands. `published` is a date or year, or empty."""

    document: Document
    topics: tuple[str, ...]
    path: Path
    line: int
    published: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file of articles: a document, or what is wrong with it. `id` is None where it cannot be told."""

    line: int
    id: str | None
    document: Document | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labelled documents and the SHA-256 of what was learned from: ids, titles, texts and topics, in order.

    `left_out` counts the articles that nobody has labelled, where they were to be skipped.
    """

    documents: tuple[LabelledDocument, ...]
    digest: str
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.documents)

    def contents(self) -> list[str]:
        """The text the model reads of each document."""
        return [labelled.document.content() for labelled in self.documents]

    def labels(self) -> list[tuple[str, ...]]:
        """The topics of each document."""
        return [labelled.topics for labelled in self.documents]


class Labelled(NamedTuple):
    """One row of labelled data: where it stands, its document, its problems; `skipped` where nobody has labelled it."""

    path: Path
    line: int
    labelled: LabelledDocument | None
    problems: list[str]
    skipped: bool = False


class Examined(NamedTuple):
    """All that was read: good articles, the faults of the others, and how many unlabelled ones were left out."""

    documents: list[LabelledDocument]
    faults: list[Fault]
    left_out: int


def read_corpus(paths: Sequence[Path], known_topics: Iterable[str] | None = None, reading: Reading = PLAIN) -> Corpus:
    """Read labelled articles from files and folders.

    Raises:
        DataNotFound: there is nothing to read.
        FaultyData: one or more rows are faulty; all of them are named.
        InputError: a file cannot be read at all.
    """
    documents, faults, left_out = examine(paths, known_topics, reading)
    if faults:
        raise FaultyData(faults)
    if not documents:
        raise nothing_in(paths, left_out)
    return Corpus(tuple(documents), digest(documents), left_out)


def examine(paths: Sequence[Path], known_topics: Iterable[str] | None = None, reading: Reading = PLAIN) -> Examined:
    """Read labelled articles and every fault of them, in the order of files and rows."""
    documents: list[LabelledDocument] = []
    faults: list[Fault] = []
    first_seen: dict[str, str] = {}
    left_out = 0
    for path, line, labelled, problems, skipped in labelled_rows(paths, known_topics, reading):
        left_out += skipped
        if labelled is not None:
            where = first_seen.setdefault(labelled.document.id, f"{path}:{line}")
            if where != f"{path}:{line}":
                problems.append(f"id {labelled.document.id!r} is taken by {where}; ids must be unique")
            documents.append(labelled)
        faults += [Fault(path, line, problem) for problem in problems]
    return Examined(documents, faults, left_out)


def labelled_rows(
    paths: Sequence[Path], known_topics: Iterable[str] | None = None, reading: Reading = PLAIN
) -> Iterator[Labelled]:
    """The rows of labelled data one by one, in constant memory; that ids are unique is not looked at.

    Raises:
        DataNotFound: there is nothing to read.
        InputError: a file cannot be read at all.
    """
    known = None if known_topics is None else frozenset(known_topics)
    for path in reading.files(paths):
        for record in reading.records(path):
            if reading.unlabelled == "skip" and _is_unlabelled(record):
                yield Labelled(path, record.number, None, [], skipped=True)
                continue
            labelled, problems = _labelled(path, record, known, reading)
            yield Labelled(path, record.number, labelled, problems)


def nothing_in(paths: Sequence[Path], left_out: int) -> DataNotFound:
    """What to tell who gave `paths` that hold no labelled article, but perhaps unlabelled ones."""
    beside = f" but {left_out} that nobody has labelled" if left_out else "; write one JSON object a line"
    return DataNotFound(f"{', '.join(map(str, paths))}: no articles in there{beside}")


def _is_unlabelled(record: Record) -> bool:
    """Whether a row has an article, but nobody has labelled it."""
    fields = record.fields
    return fields is not None and fields.get("topics") is None and not _document(fields, _ANY_LENGTH)[1]


def article_problems(fields: Fields) -> list[str]:
    """What keeps the fields of a row from being those of an article, labelled or not."""
    topics = fields.get("topics")
    problems = [] if topics is None else _topic_problems(topics, None)
    return [*_document(fields, max_text_chars=_ANY_LENGTH)[1], *problems]


def digest(documents: Iterable[LabelledDocument]) -> str:
    """SHA-256 in hex of what can be learned from the documents; file names and other fields do not count."""
    sha = hashlib.sha256()
    for labelled in documents:
        sha.update(digested(labelled))
    return sha.hexdigest()


def digested(labelled: LabelledDocument) -> bytes:
    """What of a document counts for the digest."""
    document = labelled.document
    return msgspec.json.encode([document.id, document.title, document.text, sorted(labelled.topics)])


def rows_of(records: Iterable[Record], *, max_text_chars: int) -> Iterator[Row]:
    """The articles of records, labelled or not; a bad row comes as a Row with its problem."""
    for record in records:
        if record.fields is None:
            yield Row(record.number, None, None, record.problem)
            continue
        raw_id = record.fields.get("id")
        document, problems = _document(record.fields, max_text_chars)
        yield Row(record.number, raw_id if isinstance(raw_id, str) else None, document, *problems)


def _document(fields: Fields, max_text_chars: int) -> tuple[Document | None, list[str]]:
    """The document, or the one problem why there is none."""
    for name, needed in (("id", True), ("title", False), ("text", True)):
        value = fields.get(name)
        if value is None and needed:
            return None, [f"{name}: is missing"]
        if value is not None and not isinstance(value, str):
            return None, [f"{name}: must be a string, not {value!r:.40}"]
    document = Document(fields["text"], fields.get("title") or "", fields["id"])
    try:
        check_document(document, max_text_chars=max_text_chars, needs_id=True)
    except DocumentError as error:
        return None, [str(error)]
    return document, []


def _labelled(
    path: Path, record: Record, known: frozenset[str] | None, reading: Reading
) -> tuple[LabelledDocument | None, list[str]]:
    fields = record.fields
    if fields is None:
        return None, [record.problem]
    topics = fields.get("topics")
    if topics is None and not record.why_unlabelled and reading.unlabelled == "none":
        topics = []
    document, problems = _document(fields, _ANY_LENGTH)
    if topics is None:
        return None, [*problems, _unlabelled(record.why_unlabelled)]
    problems += _topic_problems(topics, known)
    if document is None or problems:
        return None, problems
    published = str(fields.get("published") or "")
    return LabelledDocument(document, tuple(topics), path, record.number, published), []


def _unlabelled(why: str) -> str:
    if why:
        return f"topics: is missing: {why}; --unlabelled skip leaves such articles out"
    return (
        "topics: is missing; [] says that an article has none. "
        "--unlabelled skip leaves such articles out, --unlabelled none takes them as []"
    )


def _topic_problems(topics: Any, known: frozenset[str] | None) -> list[str]:
    if not isinstance(topics, list):
        return ["topics: must be a list of topic names; [] for an article that has none"]
    problems: list[str] = []
    for topic in topics:
        problem = name_problem(topic)
        if problem:
            problems.append(f"topics: {problem}")
        elif known is not None and topic not in known:
            problems.append(f"topics: {topic!r} is not a topic; known are {', '.join(sorted(known))}")
        elif topics.count(topic) > 1:
            problems.append(f"topics: {topic!r} stands there twice")
    return list(dict.fromkeys(problems))


def topics_file_beside(paths: Sequence[Path]) -> Path | None:
    """The topics.toml in a folder that `paths` name, or beside a file they name; None where there is none."""
    for path in paths:
        candidate = (path if path.is_dir() else path.parent) / TOPICS_FILE
        if candidate.is_file():
            return candidate
    return None
