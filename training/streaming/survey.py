"""The first reading: every row is looked at and nothing is kept but figures.

Faults come to light here, before any work is done. That ids are unique is told from digests of them, spilled to disk in
parts that fit in memory one by one.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from slugline.corpus import LabelledDocument, digested, labelled_rows, nothing_in
from slugline.errors import Fault, FaultyData
from slugline.formats.reading import Reading
from slugline.topics import Topic, topics_from_labels
from training.data_card import DataCard
from training.progress import Progress
from training.recipe import LEAD_CHARS, LONG_ARTICLE_LEADS
from training.streaming.spill import Piece, Spill

MOST_FAULTS = 1000
"""How many faults are kept to be told; beyond them they are only counted."""

REPORT_EVERY = 500
_PARTS = 64
_PART_ROWS = 20_000
_ID_BYTES = 16
_ROW = np.dtype([("id", np.uint64), ("more_of_id", np.uint64), ("file", np.uint32), ("line", np.uint64)])


@dataclass(frozen=True)
class Survey:
    """What the first reading found: as much of a corpus as fits in memory, however many articles there are.

    `digest` and `left_out` are as in `Corpus`; `long_articles` is how many articles are much longer than a lead.
    """

    paths: tuple[Path, ...]
    reading: Reading
    topics: tuple[Topic, ...]
    digest: str
    left_out: int
    card: DataCard
    long_articles: int

    def __len__(self) -> int:
        return self.card.articles

    def documents(self) -> Iterator[LabelledDocument]:
        """The articles, read again from the beginning."""
        for row in labelled_rows(self.paths, [topic.name for topic in self.topics], self.reading):
            if row.labelled is not None:
                yield row.labelled


def survey(
    paths: tuple[Path, ...], topics: tuple[Topic, ...] | None, reading: Reading, spill: Spill, progress: Progress
) -> Survey:
    """Read all articles once; `topics` are those that occur where None.

    Raises:
        DataNotFound: there is nothing to read.
        FaultyData: one or more rows are faulty.
        InputError: a file cannot be read at all.
    """
    progress.stage("Checking articles", None)
    known = None if topics is None else [topic.name for topic in topics]
    faults, ids, card, sha = _Faults(), _Ids(spill), DataCard(), hashlib.sha256()
    left_out = long_articles = 0
    names: set[str] = set()
    for row in labelled_rows(paths, known, reading):
        left_out += row.skipped
        faults.add(Fault(row.path, row.line, problem) for problem in row.problems)
        if row.labelled is None:
            continue
        ids.add(row.labelled)
        card.add(row.labelled)
        sha.update(digested(row.labelled))
        names.update(row.labelled.topics)
        long_articles += len(row.labelled.document.content()) >= LONG_ARTICLE_LEADS * LEAD_CHARS
        if card.articles % REPORT_EVERY == 0:
            progress.advance(REPORT_EVERY)
    faults.add(ids.repeated())
    faults.refuse()
    if not card.articles:
        raise nothing_in(paths, left_out)
    topics = topics_from_labels([tuple(names)]) if topics is None else topics
    return Survey(paths, reading, topics, sha.hexdigest(), left_out, card, long_articles)


@dataclass
class _Faults:
    first: list[Fault] = field(default_factory=list)
    found: int = 0

    def add(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            self.found += 1
            if len(self.first) < MOST_FAULTS:
                self.first.append(fault)

    def refuse(self) -> None:
        if self.found:
            raise FaultyData(self.first, self.found)


class _Ids:
    """Which ids there are, and where; told by digests of 128 bits, spilled in parts that are looked at one by one."""

    def __init__(self, spill: Spill) -> None:
        self._spill = spill
        self._files: dict[Path, int] = {}
        self._rows: list[tuple[int, int, int, int]] = []
        self._pieces: list[list[Piece]] = [[] for _ in range(_PARTS)]

    def add(self, labelled: LabelledDocument) -> None:
        digest = hashlib.blake2b(labelled.document.id.encode(), digest_size=_ID_BYTES).digest()
        halves = int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
        self._rows.append((*halves, self._files.setdefault(labelled.path, len(self._files)), labelled.line))
        if len(self._rows) == _PART_ROWS:
            self._flush()

    def repeated(self) -> list[Fault]:
        """A fault for each article whose id another had before it, in the order of files and rows."""
        self._flush()
        found = sorted(pair for pieces in self._pieces for pair in _repeats(self._spill.get_all(pieces)))
        paths = list(self._files)
        return [
            Fault(paths[file], line, f"its id is taken by {paths[taker]}:{taker_line}; ids must be unique")
            for file, line, taker, taker_line in found
        ]

    def _flush(self) -> None:
        rows = np.array(self._rows, dtype=_ROW)
        parts = rows["id"] % np.uint64(_PARTS)
        for part in np.unique(parts):
            self._pieces[int(part)].append(self._spill.put(rows[parts == part]))
        self._rows.clear()


def _repeats(pieces: list[np.ndarray]) -> list[tuple[int, int, int, int]]:
    """The file and line of each row whose id a row before it has, and of the first that has it."""
    if not pieces:
        return []
    rows = np.concatenate(pieces)
    rows = rows[np.lexsort((rows["line"], rows["file"], rows["more_of_id"], rows["id"]))]
    same = np.zeros(len(rows), dtype=bool)
    same[1:] = (rows["id"][1:] == rows["id"][:-1]) & (rows["more_of_id"][1:] == rows["more_of_id"][:-1])
    first = np.maximum.accumulate(np.where(same, 0, np.arange(len(rows))))
    places = rows[["file", "line"]]
    pairs = [(places[i], places[first[i]]) for i in np.flatnonzero(same).tolist()]
    return [(int(at[0]), int(at[1]), int(taker[0]), int(taker[1])) for at, taker in pairs]
