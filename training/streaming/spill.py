"""What does not fit in memory, on disk: arrays and texts in a file without a name.

The file is removed as soon as it is opened, so that the system frees its room when the process ends, however it ends.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slugline.errors import InputError


@dataclass(frozen=True, slots=True)
class Piece:
    """Where an array lies in a spill, and what it is."""

    offset: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


class Spill:
    """A file of arrays in `folder`, to be used in a `with` block.

    Raises:
        InputError: nothing can be written there, or the disk is full.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        except OSError as error:
            raise self._failed(error) from None
        self.size = 0
        """Bytes written so far."""

    def __enter__(self) -> "Spill":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def put(self, array: NDArray[Any], over: Piece | None = None) -> Piece:
        """Write an array at the end, or over another one of its size."""
        array = np.ascontiguousarray(array)
        piece = over or Piece(self.size, array.dtype, array.shape)
        left = array.reshape(-1).view(np.uint8).data
        try:
            self._file.seek(piece.offset)
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise self._failed(error) from None
        self.size += 0 if over else array.nbytes
        return piece

    def get(self, piece: Piece) -> NDArray[Any]:
        """Read an array."""
        count = int(np.prod(piece.shape))
        self._file.seek(piece.offset)
        return np.fromfile(self._file, piece.dtype, count).reshape(piece.shape)

    def get_all(self, pieces: Sequence[Piece]) -> list[NDArray[Any]]:
        """Read several arrays."""
        return [self.get(piece) for piece in pieces]

    def _failed(self, error: OSError) -> InputError:
        return InputError(f"{self._folder}: {error.strerror}; name a folder with room on its disk by --scratch")
