"""The shared library of the C code beside this file, and what its functions take and return.

Calls into it release the GIL. Its text is UTF-32 and lower-cased by Python, and its classes of characters are those of
Python's regular expressions, so that it sees every text as scikit-learn does.
"""

import ctypes
import re
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

WORDS_KIND = 0
CHARACTERS_KIND = 1

_CODE_POINTS = 0x110000
_LETTER, _SPACE = 1, 2

Codes = NDArray[np.uint32]
"""Texts behind one another, one number for each character."""


class WordsTable(ctypes.Structure):
    """`Words` of tables.h."""

    _fields_ = (
        ("slots", ctypes.c_void_p),
        ("mask", ctypes.c_uint64),
        ("ends", ctypes.c_void_p),
        ("letters", ctypes.c_void_p),
        ("nodes", ctypes.c_void_p),
    )


class FamilyTable(ctypes.Structure):
    """`Family` of score.c."""

    _fields_ = (
        ("kind", ctypes.c_int32),
        ("min_n", ctypes.c_int32),
        ("max_n", ctypes.c_int32),
        ("sublinear", ctypes.c_int32),
        ("lead", ctypes.c_int64),
        ("features", ctypes.c_uint64),
        ("words", WordsTable),
        ("steps", ctypes.c_void_p),
        ("steps_mask", ctypes.c_uint64),
        ("rows", ctypes.c_void_p),
    )


class ModelTable(ctypes.Structure):
    """`Model` of score.c."""

    _fields_ = (
        ("families", ctypes.c_void_p),
        ("family_count", ctypes.c_int64),
        ("biases", ctypes.c_void_p),
        ("classes", ctypes.c_void_p),
    )


class RequestTable(ctypes.Structure):
    """`Request` of request.c."""

    _fields_ = (
        ("model", ctypes.c_void_p),
        ("scratch", ctypes.c_void_p),
        ("lower_case", ctypes.c_void_p),
        ("scores", ctypes.c_void_p),
        ("tokens", ctypes.c_void_p),
        ("id_start", ctypes.c_int64),
        ("id_end", ctypes.c_int64),
        ("characters", ctypes.c_int64),
    )


class BlockTable(ctypes.Structure):
    """`Block` of tfidf.c."""

    _fields_ = (
        ("starts", ctypes.c_void_p),
        ("columns", ctypes.c_void_p),
        ("frequencies", ctypes.c_void_p),
        ("idf", ctypes.c_void_p),
        ("width", ctypes.c_int64),
    )


class VocabularyRecord(ctypes.Structure):
    """`Vocabulary` of vocabulary.c."""

    _fields_ = (
        ("kind", ctypes.c_int32),
        ("min_n", ctypes.c_int32),
        ("max_n", ctypes.c_int32),
        ("lead", ctypes.c_int64),
        ("steps", ctypes.c_void_p),
        ("steps_mask", ctypes.c_uint64),
        ("steps_used", ctypes.c_uint64),
        ("slots", ctypes.c_void_p),
        ("slots_mask", ctypes.c_uint64),
        ("words", ctypes.c_uint32),
        ("words_room", ctypes.c_uint32),
        ("ends", ctypes.c_void_p),
        ("word_nodes", ctypes.c_void_p),
        ("letters_room", ctypes.c_uint32),
        ("letters", ctypes.c_void_p),
        ("nodes", ctypes.c_uint32),
        ("nodes_room", ctypes.c_uint32),
        ("parents", ctypes.c_void_p),
        ("articles", ctypes.c_void_p),
        ("counts", ctypes.c_void_p),
        ("keys", ctypes.c_void_p),
        ("touched", ctypes.c_void_p),
        ("path", ctypes.c_void_p),
        ("path_room", ctypes.c_int64),
        ("rows", ctypes.c_int64),
        ("rows_room", ctypes.c_int64),
        ("row_ends", ctypes.c_void_p),
        ("entries", ctypes.c_int64),
        ("entries_room", ctypes.c_int64),
        ("columns", ctypes.c_void_p),
        ("times", ctypes.c_void_p),
    )


_POINTER, _INT, _LONG = ctypes.c_void_p, ctypes.c_int32, ctypes.c_int64
_VOCABULARY = ctypes.POINTER(VocabularyRecord)
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "slugline_scratch_new": (_POINTER, [_LONG, _INT]),
    "slugline_scratch_free": (None, [_POINTER]),
    "slugline_scores": (_INT, [_POINTER, _POINTER, _POINTER, _POINTER, _LONG, _POINTER, _POINTER]),
    "slugline_request": (_INT, [_POINTER, _POINTER, _LONG]),
    "slugline_mentions": (_LONG, [_POINTER, _POINTER, _POINTER, _LONG, _POINTER, _POINTER, _POINTER]),
    "slugline_vocabulary_new": (_VOCABULARY, [_INT, _INT, _INT, _LONG]),
    "slugline_vocabulary_free": (None, [_VOCABULARY]),
    "slugline_vocabulary_count": (_INT, [_VOCABULARY, _POINTER, _POINTER, _POINTER, _LONG]),
    "slugline_vocabulary_matrix": (_INT, [_VOCABULARY, _POINTER, _INT, _POINTER, _POINTER, _POINTER]),
    "slugline_document_frequencies": (None, [_POINTER, _POINTER, _POINTER, _LONG, _POINTER]),
    "slugline_tfidf": (None, [_POINTER, _INT, _POINTER, _LONG, _POINTER, _POINTER, _POINTER]),
    "slugline_fit_svm": (
        _LONG,
        [_POINTER, _POINTER, _POINTER, _LONG, _LONG, _POINTER, _POINTER]
        + [ctypes.c_double, _LONG, ctypes.c_uint64, _POINTER, _POINTER],
    ),
    "slugline_vocabulary_spell": (None, [_VOCABULARY, _POINTER, _LONG, _POINTER, _POINTER]),
    "slugline_vocabulary_lay": (_INT, [_VOCABULARY, _POINTER, _POINTER, _POINTER, _LONG]),
}


@cache
def library() -> ctypes.CDLL:
    """The shared library, loaded once in a process."""
    spec = find_spec("slugline.compiled._kernel")
    if spec is None or spec.origin is None:
        raise ImportError("slugline.compiled._kernel is not built; install Slugline again, with a C compiler at hand")
    loaded = ctypes.CDLL(spec.origin)
    for name, (returned, taken) in _SIGNATURES.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = returned, taken
    return loaded


@cache
def character_classes() -> NDArray[np.uint8]:
    r"""Of every code point, whether regular expressions take it for a letter (\w) or a space (\s), as bits."""
    everything = np.arange(_CODE_POINTS, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    classes = np.zeros(_CODE_POINTS, dtype=np.uint8)
    for pattern, bit in ((r"\w+", _LETTER), (r"\s+", _SPACE)):
        for run in re.finditer(pattern, everything):
            classes[run.start() : run.end()] |= bit
    return classes


@cache
def plain_lower_case() -> NDArray[np.uint16]:
    """Of every character below 0x10000 its lower-case form; 0 where it is not plain.

    Not plain are those whose form is longer (U+0130) or depends on what stands around it (U+03A3), halves of surrogate
    pairs, and "&", with which HTML entities begin.
    """
    codes = np.arange(0x10000, dtype="<u2")
    plain = codes[~np.isin(codes, (0, 0x26, 0x130, 0x3A3)) & ((codes < 0xD800) | (codes >= 0xE000))]
    forms = np.zeros(0x10000, dtype=np.uint16)
    forms[plain] = np.frombuffer(plain.tobytes().decode("utf-16-le").lower().encode("utf-16-le"), dtype="<u2")
    return forms


def encoded(contents: Sequence[str]) -> tuple[bytes, NDArray[np.int64]]:
    """Texts lower-cased, behind one another in UTF-32, and where each ends, in characters."""
    lowered = [content.lower() for content in contents]
    ends = np.cumsum([len(text) for text in lowered], dtype=np.int64)
    return utf32("".join(lowered)), ends


def utf32(text: str) -> bytes:
    """UTF-32 in the machine's order; half a surrogate pair stands for itself."""
    return text.encode("utf-32-le", "surrogatepass")


def address(array: np.ndarray) -> int:
    """Where the numbers of an array lie; the caller keeps the array alive."""
    return int(array.__array_interface__["data"][0])


def view(pointer: int | None, count: int, dtype: np.dtype) -> np.ndarray:
    """A copy of `count` numbers that C holds at `pointer`."""
    if not pointer or not count:
        return np.empty(0, dtype=dtype)
    return np.frombuffer(ctypes.string_at(pointer, count * dtype.itemsize), dtype=dtype)
