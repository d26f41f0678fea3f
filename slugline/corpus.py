"""The corpus: articles in JSONL files, labelled or not.

One article a line: ``{"id", "title", "text", "topics": [...]}``. `title` is optional; `topics` is required where the
articles are labelled, and ``[]`` is an explicit negative. Other fields are left alone.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from slugline.documents import Document, check_document
from slugline.errors import DataNotFound, DocumentError, Fault, FaultyData
from slugline.topics import TOPICS_FILE, name_problem


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
    """One line of a file of articles: a document, or what is wrong with it. `id` is None where it cannot be told."""

    line: int
    id: str | None
    document: Document | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labelled documents and the SHA-256 of what was learned from: ids, titles, texts and topics, in order."""

    documents: tuple[LabelledDocument, ...]
    digest: str

    def __len__(self) -> int:
        return len(self.documents)

    def contents(self) -> list[str]:
        """The text the model reads of each document."""
        return [labelled.document.content() for labelled in self.documents]

    def labels(self) -> list[tuple[str, ...]]:
        """The topics of each document."""
        return [labelled.topics for labelled in self.documents]


def corpus_files(paths: Sequence[Path]) -> list[Path]:
    """The JSONL files that `paths` name: files as they are, folders with all `*.jsonl` below them, sorted.

    Raises:
        DataNotFound: a path does not exist, or a folder holds no JSONL file.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(path.rglob("*.jsonl"))
            if not found:
                raise DataNotFound(f"{path}: holds no .jsonl file; put articles there, one JSON object a line")
            files += found
        elif path.exists():
            files.append(path)
        else:
            raise DataNotFound(f"{path}: no such file or folder")
    return files


def read_corpus(paths: Sequence[Path], known_topics: Iterable[str] | None = None) -> Corpus:
    """Read labelled articles from files and folders.

    Raises:
        DataNotFound: there is nothing to read.
        FaultyData: one or more lines are faulty; all of them are named.
    """
    documents, faults = examine(paths, known_topics)
    if faults:
        raise FaultyData(faults)
    if not documents:
        raise DataNotFound(f"{', '.join(map(str, paths))}: no articles in there; write one JSON object a line")
    return Corpus(tuple(documents), digest(documents))


def examine(
    paths: Sequence[Path], known_topics: Iterable[str] | None = None
) -> tuple[list[LabelledDocument], list[Fault]]:
    """Read labelled articles and every fault of them, in the order of files and lines."""
    known = None if known_topics is None else frozenset(known_topics)
    documents: list[LabelledDocument] = []
    faults: list[Fault] = []
    first_seen: dict[str, str] = {}
    for path in corpus_files(paths):
        for number, line in numbered_lines(path):
            labelled, problems = _labelled(path, number, line, known)
            if labelled is not None:
                where = first_seen.setdefault(labelled.document.id, f"{path}:{number}")
                if where != f"{path}:{number}":
                    problems.append(f"id {labelled.document.id!r} is taken by {where}; ids must be unique")
                documents.append(labelled)
            faults += [Fault(path, number, problem) for problem in problems]
    return documents, faults


def digest(documents: Iterable[LabelledDocument]) -> str:
    """SHA-256 in hex of what can be learned from the documents; file names and other fields do not count."""
    sha = hashlib.sha256()
    for labelled in documents:
        document = labelled.document
        sha.update(msgspec.json.encode([document.id, document.title, document.text, sorted(labelled.topics)]))
    return sha.hexdigest()


def rows_of(lines: Iterable[tuple[int, bytes]], *, max_text_chars: int) -> Iterator[Row]:
    """The unlabelled articles of `numbered_lines`; a bad line comes as a Row with its problem."""
    for number, line in lines:
        fields, problem = _fields(line)
        if fields is None:
            yield Row(number, None, None, problem)
            continue
        raw_id = fields.get("id")
        document_id = raw_id if isinstance(raw_id, str) else None
        document, problem = _document(fields)
        if document is not None:
            try:
                check_document(document, max_text_chars=max_text_chars, needs_id=True)
            except DocumentError as error:
                document, problem = None, str(error)
        yield Row(number, document_id, document, problem)


def bare_line(number: int, line: bytes) -> bytes:
    """A line without the white space around it, and the first one without a byte order mark."""
    return line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file that are not blank, bare, with their numbers.

    Raises:
        DataNotFound: the file cannot be read.
    """
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                stripped = bare_line(number, line)
                if stripped:
                    yield number, stripped
    except OSError as error:
        raise DataNotFound(f"{path}: cannot be read: {error.strerror or error}") from None


def _fields(line: bytes) -> tuple[dict[str, Any] | None, str]:
    try:
        fields = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return None, f"is not JSON: {error}"
    if not isinstance(fields, dict):
        return None, "must be a JSON object with id, text and topics"
    return fields, ""


def _document(fields: dict[str, Any]) -> tuple[Document | None, str]:
    for name, needed in (("id", True), ("title", False), ("text", True)):
        value = fields.get(name)
        if value is None and needed:
            return None, f"{name}: is missing"
        if value is not None and not isinstance(value, str):
            return None, f"{name}: must be a string, not {value!r:.40}"
    return Document(fields["text"], fields.get("title") or "", fields["id"]), ""


def _labelled(
    path: Path, number: int, line: bytes, known: frozenset[str] | None
) -> tuple[LabelledDocument | None, list[str]]:
    fields, problem = _fields(line)
    if fields is None:
        return None, [problem]
    problems = _topic_problems(fields.get("topics"), known)
    document, problem = _document(fields)
    if document is None:
        return None, [problem, *problems]
    try:
        check_document(document, max_text_chars=10**9, needs_id=True)
    except DocumentError as error:
        problems.insert(0, str(error))
    if problems:
        return None, problems
    published = str(fields.get("published") or "")
    return LabelledDocument(document, tuple(fields["topics"]), path, number, published), []


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
