"""Vocabularies in C: the n-grams of a corpus counted, or known n-grams laid out in tables."""

from collections.abc import Sequence
from itertools import pairwise
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from slugline.compiled.library import (
    CHARACTERS_KIND,
    WORDS_KIND,
    address,
    character_classes,
    encoded,
    library,
    utf32,
    view,
)

_CHUNK_CHARACTERS = 4_000_000
_WHOLE_TEXT = -1


def kind_of(analyzer: str) -> int:
    """The kind of n-grams that a scikit-learn vectoriser with this `analyzer` counts."""
    return CHARACTERS_KIND if analyzer == "char_wb" else WORDS_KIND


class Vocabulary:
    """A growing set of n-grams, held by C until the end of its `with` block.

    Args:
        kind: WORDS_KIND or CHARACTERS_KIND.
        ngrams: the shortest and the longest n-gram.
        lead: how many characters of each text to read; None for all.
    """

    def __init__(self, kind: int, ngrams: tuple[int, int], lead: int | None = None) -> None:
        self._kind = kind
        self._classes = character_classes()
        self._c = library().slugline_vocabulary_new(kind, *ngrams, _WHOLE_TEXT if lead is None else lead)
        if not self._c:
            raise MemoryError

    def __enter__(self) -> "Vocabulary":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        library().slugline_vocabulary_free(self._c)

    def count(self, contents: Sequence[str]) -> None:
        """Count the n-grams of texts, one row each."""
        start = 0
        while start < len(contents):
            stop, characters = start, 0
            while stop < len(contents) and characters < _CHUNK_CHARACTERS:
                characters += len(contents[stop])
                stop += 1
            text, ends = encoded(contents[start:stop])
            count = library().slugline_vocabulary_count
            _check(count(self._c, address(self._classes), text, address(ends), stop - start))
            start = stop

    def matrix(
        self, column_of: NDArray[np.int32], entries: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
        """The counts as a sparse matrix: where each row starts, and the columns and counts of its entries.

        `column_of` has the column of each n-gram, -1 for those to leave out; `entries` is how many are kept.
        """
        starts = np.empty(self._c.contents.rows + 1, dtype=np.int64)
        columns, times = np.empty(entries, dtype=np.int32), np.empty(entries)
        bits = int(column_of.max(initial=0)).bit_length()
        write = library().slugline_vocabulary_matrix
        _check(write(self._c, address(column_of), bits, address(starts), address(columns), address(times)))
        return starts, columns, times

    @property
    def size(self) -> int:
        """How many numbers there are, those of n-grams and of what lies between."""
        return int(self._c.contents.nodes)

    def document_frequencies(self) -> NDArray[np.uint32]:
        """In how many texts each n-gram occurred; 0 for numbers that are no n-gram of the lengths asked for."""
        record = self._c.contents
        return view(record.articles, record.nodes, np.dtype(np.uint32))

    def terms(self, numbers: NDArray[np.uint32]) -> list[str]:
        """The n-grams of these numbers, spelled out."""
        letters, ends = self.spelled(numbers)
        text = letters.tobytes().decode("utf-32-le", "surrogatepass")
        return [text[start:end] for start, end in pairwise([0, *ends.tolist()])]

    def spelled(self, numbers: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """The characters of the n-grams of these numbers behind one another, and where each n-gram ends."""
        ends = np.empty(len(numbers), dtype=np.int64)
        numbers = np.ascontiguousarray(numbers, dtype=np.uint32)
        spell = library().slugline_vocabulary_spell
        spell(self._c, address(numbers), len(numbers), None, address(ends))
        letters = np.empty(int(ends[-1]) if len(ends) else 0, dtype="<u4")
        spell(self._c, address(numbers), len(numbers), address(letters), address(ends))
        return letters, ends

    def lay(self, terms: Sequence[str], numbers: NDArray[np.uint32]) -> None:
        """Lay out `terms`, shorter ones first, n-gram i getting the number numbers[i] of 0 ... len(terms) - 1."""
        ends = np.cumsum([len(term) for term in terms], dtype=np.int64)
        numbers = np.ascontiguousarray(numbers, dtype=np.uint32)
        letters = utf32("".join(terms))
        _check(library().slugline_vocabulary_lay(self._c, letters, address(ends), address(numbers), len(terms)))

    def tables(self) -> dict[str, NDArray[np.uint64] | NDArray[np.uint32]]:
        """The tables of score.c, by name."""
        record = self._c.contents
        u4, u8 = np.dtype(np.uint32), np.dtype(np.uint64)
        steps = {"steps": view(record.steps, 2 * (record.steps_mask + 1), u8).reshape(-1, 2)}
        if self._kind:
            return steps
        ends = view(record.ends, record.words, u4)
        return steps | {
            "slots": view(record.slots, record.slots_mask + 1, u8),
            "ends": ends,
            "letters": view(record.letters, int(ends[-1]) if len(ends) else 0, u4),
            "nodes": view(record.word_nodes, record.words, u4),
        }


def _check(failed: int) -> None:
    if failed:
        raise MemoryError
