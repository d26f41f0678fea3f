"""A model as tables: what the compiled scorer reads, laid out from a fitted pipeline, and kept in plain .npy files."""

import io
import json
import math
import mmap
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from slugline.compiled.library import CHARACTERS_KIND, WORDS_KIND
from slugline.compiled.vocabulary import Vocabulary, kind_of

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import Pipeline

PREFIX = "compiled-"
OUTLINE_FILE = f"{PREFIX}outline.json"
_WORD_TABLES = {"slots": (np.uint64, 1), "ends": (np.uint32, 1), "letters": (np.uint32, 1), "nodes": (np.uint32, 1)}
_TABLES = {"steps": (np.uint64, 2), "rows": (np.float64, 2)}
"""The numbers that each table holds, and in how many dimensions."""
_NPY_HEADER = re.compile(
    rb"\x93NUMPY\x01\0..\{'descr': '(<[fu][48])', 'fortran_order': False, "
    rb"'shape': \((\d{1,18}), ?(\d{1,18})?\), \} *\n",
    re.DOTALL,
)
"""What numpy writes before one or two dimensions; its reader takes much else, and trips over some of it."""
_ALIGNMENT = 64
_MOST_FAMILIES = 1 << 16
_NO_KEY = np.iinfo(np.uint64).max
_NO_NODE = np.iinfo(np.uint32).max


class TablesDamaged(ValueError):
    """Tables that the C code must not read: a number in them points outside of them."""


@dataclass(frozen=True)
class Family:
    """One family of features; `arrays` are its tables by name, as score.c describes them."""

    name: str
    kind: int
    min_n: int
    max_n: int
    sublinear: bool
    lead: int | None
    arrays: Mapping[str, NDArray[Any]] = field(repr=False)


@dataclass(frozen=True)
class Tables:
    """All that scoring needs: the families of features, and the bias of every topic, shape (topics,)."""

    families: tuple[Family, ...]
    biases: NDArray[np.float64]


class _Outline(msgspec.Struct, forbid_unknown_fields=True):
    """A family without its tables."""

    name: str
    kind: int
    min_n: int
    max_n: int
    sublinear: bool
    lead: int | None


def tables_of(pipeline: "Pipeline") -> Tables:
    """Lay out the tables of a fitted pipeline of `slugline.pipeline.linear_pipeline`."""
    from slugline.features import families
    from slugline.pipeline import linear_weights

    weights, biases = linear_weights(pipeline)
    laid, first = [], 0
    for name, vectorizer in families(pipeline["features"]):
        columns = len(vectorizer.vocabulary_)
        laid.append(_family(name, vectorizer, weights[:, first : first + columns]))
        first += columns
    return Tables(tuple(laid), np.ascontiguousarray(biases, dtype=np.float64))


def _family(name: str, vectorizer: "TfidfVectorizer", weights: NDArray[np.float64]) -> Family:
    from slugline.features import lead_of

    kind = kind_of(vectorizer.analyzer)
    min_n, max_n = vectorizer.ngram_range
    terms, columns = list(vectorizer.vocabulary_), np.fromiter(vectorizer.vocabulary_.values(), dtype=np.int64)
    # From the most frequent on: what most documents touch lies together in memory.
    number_of = np.empty(len(columns), dtype=np.uint32)
    by_frequency = np.lexsort((np.arange(len(columns)), vectorizer.idf_))
    number_of[by_frequency] = np.arange(len(columns), dtype=np.uint32)
    size = (lambda i: len(terms[i])) if kind == CHARACTERS_KIND else (lambda i: terms[i].count(" "))
    shortest_first = sorted(range(len(terms)), key=size)
    with Vocabulary(kind, (min_n, max_n)) as vocabulary:
        vocabulary.lay([terms[i] for i in shortest_first], number_of[columns[shortest_first]])
        arrays: dict[str, NDArray[Any]] = dict(vocabulary.tables())
    idf = vectorizer.idf_[by_frequency]
    arrays["rows"] = np.column_stack([idf, (weights[:, by_frequency] * idf).T])
    return Family(name, kind, min_n, max_n, bool(vectorizer.sublinear_tf), lead_of(vectorizer), arrays)


def write_tables(tables: Tables) -> dict[str, bytes]:
    """The files of the tables, by name."""
    outline = [{key: value for key, value in asdict(family).items() if key != "arrays"} for family in tables.families]
    files = {OUTLINE_FILE: json.dumps(outline, indent=1).encode(), f"{PREFIX}biases.npy": _npy(tables.biases)}
    for family in tables.families:
        for name, array in family.arrays.items():
            files[f"{PREFIX}{family.name}-{name}.npy"] = _npy(array)
    return files


def read_tables(files: Mapping[str, bytes | mmap.mmap]) -> Tables:
    """The tables of files that `write_tables` made; they are views of the files' memory.

    Raises:
        TablesDamaged: a file is missing or is not what it should be.
    """
    try:
        families = []
        for outline in msgspec.json.decode(bytes(files[OUTLINE_FILE]), type=list[_Outline]):
            kinds = (_WORD_TABLES if outline.kind == WORDS_KIND else {}) | _TABLES
            arrays = {name: _array(files[f"{PREFIX}{outline.name}-{name}.npy"], *kinds[name]) for name in kinds}
            families.append(Family(**msgspec.structs.asdict(outline), arrays=arrays))
        tables = Tables(tuple(families), _array(files[f"{PREFIX}biases.npy"], np.float64, 1))
        _require(0 < len(families) < _MOST_FAMILIES, "no family of features, or too many")
        for family in families:
            _check(family, len(tables.biases))
    except (KeyError, ValueError, RecursionError) as error:
        raise TablesDamaged(f"the compiled tables are damaged: {error}") from None
    return tables


def _npy(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def _array(content: bytes | mmap.mmap, dtype: type, dimensions: int) -> NDArray[Any]:
    header = _NPY_HEADER.match(content)
    _require(header is not None and header.end() % _ALIGNMENT == 0, "a table is of another format")
    assert header  # noqa: S101 - for mypy
    found, shape = np.dtype(header[1].decode()), [int(size) for size in header.groups()[1:] if size]
    _require(found == np.dtype(dtype), f"a table holds {found}, not {np.dtype(dtype)}")
    _require(len(shape) == dimensions, f"a table has {len(shape)} dimensions, not {dimensions}")
    _require(
        len(content) - header.end() == math.prod(shape) * found.itemsize, "a table is of another size than it says"
    )
    return np.frombuffer(content, dtype=found, offset=header.end()).reshape(shape)


def _check(family: Family, topics: int) -> None:
    """Every number that C takes for a position must be one: a published model is data, and not trusted to be right."""
    arrays = family.arrays
    rows, steps = arrays["rows"], arrays["steps"]
    _require(rows.shape[1] == 1 + topics, "rows do not fit the topics")
    _require(steps.shape[1] == 2, "steps are not pairs")
    _require(_has_room(steps[:, 0] == _NO_KEY), "steps have no free slot, or not a power of two of them")
    _require(1 <= family.min_n <= family.max_n <= 64, "lengths of n-grams")
    _require(family.lead is None or 0 <= family.lead < 2**63, "lead")
    if family.kind == CHARACTERS_KIND:
        return
    _require(family.kind == WORDS_KIND, "kind")
    slots, ends, letters = arrays["slots"], arrays["ends"], arrays["letters"]
    _require(_has_room(slots == 0), "slots have no free one, or not a power of two of them")
    words = (slots[slots != 0] & np.uint64(_NO_NODE)).astype(np.int64)
    _require(bool(((words >= 1) & (words <= len(ends))).all()), "a slot names no word")
    _require(bool((np.diff(ends.astype(np.int64)) >= 0).all()), "words end before they begin")
    _require(len(ends) == 0 or int(ends[-1]) <= len(letters), "a word ends outside of the letters")
    _require(len(arrays["nodes"]) == len(ends), "words and nodes differ in number")


def _has_room(free: NDArray[np.bool_]) -> bool:
    """Whether a table of slots ends every search: its size is a power of two, and some slot is free."""
    return len(free) > 0 and len(free) & (len(free) - 1) == 0 and bool(free.any())


def _require(right: bool, what: str) -> None:
    if not right:
        raise TablesDamaged(what)
