"""Any bytes, in the place of any compiled table: refused, or harmless to the C code that scores with them.

An input is a byte that chooses a model, one that chooses a file, and either its whole content or, after a NUL, edits
of the numbers in the files: file, position, value. Tables that are let in are laid against a page that nobody may
touch, so that reading beyond their end kills the process and is seen; a search that does not end is seen by the time
it takes.
"""

import ctypes
import mmap
import struct
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.soak.articles import SENTENCES
from benchmarks.soak.targets.small import SETTINGS, pipeline_of
from slugline.compiled.scorer import CompiledScorer
from slugline.compiled.tables import Tables, TablesDamaged, read_tables, tables_of, write_tables

_MODELS = [write_tables(tables_of(pipeline_of(settings, sentences=2))) for settings in SETTINGS]
_TEXTS = [*SENTENCES, "", " ", "a", "talks " * 300, "unknown-to-all " * 50]
_EDIT = struct.Struct("<BHB")
_VALUES = (0, 1, 2, 3, 255, 2**16, 2**31, 2**32 - 2, 2**32 - 1, 2**63, 2**64 - 2, 2**64 - 1)
_PAGE = mmap.PAGESIZE
_LIBC = ctypes.CDLL(None, use_errno=True)
_MAY_NOTHING = 0


def seeds() -> list[bytes]:
    """Every file of every model as it is, and a few edits."""
    whole = [
        bytes((model, number, 1)) + content
        for model, files in enumerate(_MODELS)
        for number, content in enumerate(files.values())
        if len(content) < 20_000
    ]
    edits = [
        bytes((model, 0, 0)) + b"".join(_EDIT.pack(number, 7 * number, value) for number in range(3))
        for model in range(len(_MODELS))
        for value in range(len(_VALUES))
    ]
    return whole + edits


def check(data: bytes) -> None:
    """Read the tables, and score with those that are let in."""
    if len(data) < 3:
        return
    files = dict(_MODELS[data[0] % len(_MODELS)])
    names = list(files)
    if data[2]:
        files[names[data[1] % len(names)]] = data[3:]
    else:
        for file, position, value in _EDIT.iter_unpack(data[3 : 3 + (len(data) - 3) // _EDIT.size * _EDIT.size]):
            name = names[file % len(names)]
            files[name] = _edited(files[name], position, _VALUES[value % len(_VALUES)])
    try:
        tables = read_tables(files)
    except TablesDamaged as error:
        assert str(error)
        return
    scorer = CompiledScorer(_guarded(tables))
    together = scorer.scores(_TEXTS)
    assert together.shape == (len(_TEXTS), len(tables.biases))
    for text in _TEXTS:
        scorer.mentions(text)


def _edited(content: bytes, position: int, value: int) -> bytes:
    """A file with another number at a position, counted from where numbers begin, again from there after the last."""
    header = 128
    if len(content) <= header + 8:
        return content
    size: int = 4 if b"<u4" in content[:header] else 8
    count = (len(content) - header) // size
    at = header + position % count * size
    number = value & (2**64 - 1 if size == 8 else 2**32 - 1)
    return content[:at] + number.to_bytes(size, "little") + content[at + size :]


def _guarded(tables: Tables) -> Tables:
    families = tuple(
        replace(family, arrays={name: _before_a_guard(array) for name, array in family.arrays.items()})
        for family in tables.families
    )
    return Tables(families, _before_a_guard(tables.biases))


def _before_a_guard(array: NDArray[Any]) -> NDArray[Any]:
    """A copy that ends where a page begins which must not be touched."""
    pages = -(-array.nbytes // _PAGE)
    memory = mmap.mmap(-1, (pages + 1) * _PAGE)
    start = pages * _PAGE - array.nbytes
    memory[start : pages * _PAGE] = array.tobytes()
    copy = np.frombuffer(memory, dtype=array.dtype, offset=start, count=array.size).reshape(array.shape)
    guard = ctypes.addressof(ctypes.c_char.from_buffer(memory)) + pages * _PAGE
    if _LIBC.mprotect(ctypes.c_void_p(guard), ctypes.c_size_t(_PAGE), _MAY_NOTHING):
        raise OSError(ctypes.get_errno(), "mprotect")
    return copy
