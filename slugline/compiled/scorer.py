"""The compiled scorer."""

import ctypes
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slugline.compiled.library import (
    WORDS_KIND,
    FamilyTable,
    ModelTable,
    RequestTable,
    WordsTable,
    address,
    character_classes,
    encoded,
    library,
    plain_lower_case,
    utf32,
    view,
)
from slugline.compiled.tables import Family, Tables
from slugline.scoring import Reading

_NOT_PLAIN = 2
"""What `slugline_request` returns of requests that are to be parsed."""

PlainReading = tuple[list[float], list[int], int, bytes]
"""The scores of a document, its row of `Reading.tokens`, how many characters were read, and its id in UTF-8."""

_MENTION = np.dtype([("start", "<i8"), ("end", "<i8"), ("family", "<i4"), ("unused", "<i4")])


@dataclass(frozen=True, slots=True)
class Mentions:
    """The places of one lower-cased text that spoke, and what each of them added to the raw score of every topic.

    `raw_scores` has shape (topics,), `starts` and `ends` (mentions,), counted in characters of the lower-cased text,
    `values` (mentions, topics), in log-odds. raw_scores = biases + the sum of `values`. `of_words` tells n-grams of
    words from tokens that spoke by their characters.
    """

    raw_scores: NDArray[np.float64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    of_words: NDArray[np.bool_]
    values: NDArray[np.float64]


class CompiledScorer:
    """Scores with tables, in C, without the GIL; any number of threads may share it."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.biases = tables.biases
        self._topics = len(tables.biases)
        self._families = (FamilyTable * len(tables.families))(*map(_family_table, tables.families))
        self._are_words = np.array([family.kind == WORDS_KIND for family in tables.families])
        self._most_features = max(len(family.arrays["rows"]) for family in tables.families)
        self._classes = character_classes()
        self._table = ModelTable(
            families=ctypes.addressof(self._families),
            family_count=len(tables.families),
            biases=address(self.biases),
            classes=address(self._classes),
        )
        self._model = ctypes.addressof(self._table)
        self._own = threading.local()
        self._lower_case = plain_lower_case()
        self._score = library().slugline_scores
        self._request = library().slugline_request

    def scores(self, contents: Sequence[str]) -> NDArray[np.float64]:
        """The scores of `contents`, shape (len(contents), topics)."""
        return self.read(contents).scores

    def read(self, contents: Sequence[str]) -> Reading:
        """The scores of `contents`, and how many of their words are known."""
        if len(contents) == 1:
            own = self._read_alone(contents[0])
            return Reading(own.scores.copy(), own.tokens.copy())
        scores, tokens = np.empty((len(contents), self._topics)), np.empty((len(contents), 2), np.int64)
        text, ends = encoded(contents)
        own = self._scratch()
        if self._score(self._model, own.pointer, text, address(ends), len(contents), address(scores), address(tokens)):
            raise MemoryError
        return Reading(scores, tokens)

    def read_one(self, content: str) -> tuple[list[float], list[int]]:
        """The scores of one text, and its row of `Reading.tokens`, as plain numbers."""
        own = self._read_alone(content)
        return own.score_numbers[:], own.token_numbers[:]

    def read_request(self, raw: bytes) -> PlainReading | None:
        """The reading of a `slugline.v1.ClassifyRequest`, where it is plain; None where it is to be parsed.

        It is plain where it has a document, of which the text has letters, and no other field, and where all characters
        have one lower-case form and none begins an HTML entity.
        """
        own = self._scratch()
        failed = self._request(own.request_address, raw, len(raw))
        if failed:
            if failed == _NOT_PLAIN:
                return None
            raise MemoryError
        found = own.request
        return own.score_numbers[:], own.token_numbers[:], found.characters, raw[found.id_start : found.id_end]

    def mentions(self, content: str) -> Mentions:
        """Which places of a text spoke for and against every topic."""
        lowered = content.lower()
        raw_scores = np.empty(self._topics)
        found, values = ctypes.c_void_p(), ctypes.c_void_p()
        count = library().slugline_mentions(
            self._model,
            self._scratch().pointer,
            utf32(lowered),
            len(lowered),
            address(raw_scores),
            ctypes.addressof(found),
            ctypes.addressof(values),
        )
        if count < 0:
            raise MemoryError
        records = view(found.value, count, _MENTION)
        flat = view(values.value, count * self._topics, np.dtype(np.float64))
        of_words = self._are_words[records["family"]]
        return Mentions(raw_scores, records["start"], records["end"], of_words, flat.reshape(count, self._topics))

    def _read_alone(self, content: str) -> "_Scratch":
        own, lowered = self._scratch(), content.lower()
        own.end.value = len(lowered)
        if self._score(
            self._model, own.pointer, utf32(lowered), own.end_address, 1, own.scores_address, own.tokens_address
        ):
            raise MemoryError
        return own

    def _scratch(self) -> "_Scratch":
        try:
            return self._own.scratch  # type: ignore[no-any-return]
        except AttributeError:
            self._own.scratch = scratch = _Scratch(self._most_features, self._topics)
            scratch.request.model = self._model
            scratch.request.lower_case = address(self._lower_case)
            return scratch


class _Scratch:
    """Memory of one thread, given back when the thread ends; what one text takes and gives has a fixed place in it."""

    def __init__(self, most_features: int, topics: int) -> None:
        self.pointer = library().slugline_scratch_new(most_features, topics)
        if not self.pointer:
            raise MemoryError
        self._free = library().slugline_scratch_free
        self.end = ctypes.c_int64()
        self.end_address = ctypes.addressof(self.end)
        self.scores = np.empty((1, topics))
        self.scores_address = address(self.scores)
        self.tokens = np.empty((1, 2), np.int64)
        self.tokens_address = address(self.tokens)
        # The same memory once more: of few numbers, ctypes makes a list sooner than numpy does.
        self.score_numbers = (ctypes.c_double * topics).from_address(self.scores_address)
        self.token_numbers = (ctypes.c_int64 * 2).from_address(self.tokens_address)
        self.request = RequestTable(scratch=self.pointer, scores=self.scores_address, tokens=self.tokens_address)
        self.request_address = ctypes.addressof(self.request)

    def __del__(self) -> None:
        if getattr(self, "pointer", None):
            self._free(self.pointer)


def _family_table(family: Family) -> FamilyTable:
    arrays = family.arrays
    table = FamilyTable(
        kind=family.kind,
        min_n=family.min_n,
        max_n=family.max_n,
        sublinear=family.sublinear,
        lead=-1 if family.lead is None else family.lead,
        features=len(arrays["rows"]),
        steps=address(arrays["steps"]),
        steps_mask=len(arrays["steps"]) - 1,
        rows=address(arrays["rows"]),
    )
    if "slots" in arrays:
        table.words = WordsTable(
            slots=address(arrays["slots"]),
            mask=len(arrays["slots"]) - 1,
            ends=address(arrays["ends"]),
            letters=address(arrays["letters"]),
            nodes=address(arrays["nodes"]),
        )
    return table
