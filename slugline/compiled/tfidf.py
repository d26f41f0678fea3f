"""TF-IDF of chosen rows of counted matrices."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slugline.compiled.library import BlockTable, address, library

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Counted:
    """The counts of one family of features, plain or damped, in CSR form, shape (articles, width)."""

    starts: NDArray[np.int64]
    columns: NDArray[np.int32]
    frequencies: NDArray[np.float64]
    width: int

    def document_frequencies(self, rows: Rows) -> NDArray[np.int64]:
        """In how many of the chosen rows each column is."""
        found = np.zeros(self.width, dtype=np.int64)
        rows = np.ascontiguousarray(rows, dtype=np.int64)
        library().slugline_document_frequencies(
            address(self.starts), address(self.columns), address(rows), len(rows), address(found)
        )
        return found


def tfidf(
    blocks: Sequence[tuple[Counted, NDArray[np.float64]]], rows: Rows
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """The chosen rows of all families side by side: counts times idf, each family's part of a row of unit length.

    Columns whose idf is 0 are left out, but keep their number. Returns row starts, columns and values (CSR).
    """
    rows = np.ascontiguousarray(rows, dtype=np.int64)
    room = sum(int((counted.starts[rows + 1] - counted.starts[rows]).sum()) for counted, _ in blocks)
    starts, columns, values = np.empty(len(rows) + 1, dtype=np.int64), np.empty(room, dtype=np.int32), np.empty(room)
    table = (BlockTable * len(blocks))(
        *(
            BlockTable(address(c.starts), address(c.columns), address(c.frequencies), address(idf), c.width)
            for c, idf in blocks
        )
    )
    library().slugline_tfidf(
        ctypes.addressof(table),
        len(blocks),
        address(rows),
        len(rows),
        address(starts),
        address(columns),
        address(values),
    )
    return starts, columns[: starts[-1]], values[: starts[-1]]
