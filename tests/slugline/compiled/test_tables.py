import io

import numpy as np
import pytest
from numpy.typing import NDArray

from slugline.compiled.scorer import CompiledScorer
from slugline.compiled.tables import OUTLINE_FILE, TablesDamaged, read_tables, tables_of, write_tables
from tests.slugline.compiled.test_scorer import ALL_SETTINGS, CORPUS, PIPELINES

FILES = write_tables(tables_of(PIPELINES["lead"]))


def npy(array: NDArray[np.generic]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def array(name: str) -> NDArray[np.generic]:
    return np.array(np.load(io.BytesIO(FILES[name])))


@pytest.mark.parametrize("name", ALL_SETTINGS)
def test_tables_score_the_same_after_writing_and_reading(name: str) -> None:
    tables = tables_of(PIPELINES[name])
    again = read_tables(write_tables(tables))
    assert CompiledScorer(again).scores(CORPUS).tolist() == CompiledScorer(tables).scores(CORPUS).tolist()


def test_the_same_pipeline_gives_the_same_files() -> None:
    assert write_tables(tables_of(PIPELINES["lead"])) == FILES


@pytest.mark.parametrize("missing", sorted(FILES))
def test_a_missing_file_is_found(missing: str) -> None:
    with pytest.raises(TablesDamaged):
        read_tables({name: content for name, content in FILES.items() if name != missing})


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("kept", [0, 7, 100])
def test_a_short_file_is_found(name: str, kept: int) -> None:
    with pytest.raises(TablesDamaged):
        read_tables(FILES | {name: FILES[name][:kept]})


@pytest.mark.parametrize(
    "outline",
    [
        *(b"{}", b"[1]", b'[{"name": "words"}]', b"null", b"\xff", b"[" * 100_000),
        FILES[OUTLINE_FILE].replace(b'"min_n": 1', b'"min_n": 1.5', 1),
        FILES[OUTLINE_FILE].replace(b'"sublinear": true', b'"sublinear": "yes"', 1),
        FILES[OUTLINE_FILE].replace(b'"lead": 11', b'"lead": 18446744073709551615', 1),
    ],
)
def test_a_wrong_outline_is_found(outline: bytes) -> None:
    assert outline != FILES[OUTLINE_FILE]
    with pytest.raises(TablesDamaged):
        read_tables(FILES | {OUTLINE_FILE: outline})


def _set(name: str, where: object, value: int) -> dict[str, bytes]:
    changed = array(name)
    changed[where] = value  # type: ignore[index]
    return {name: npy(changed)}


def _shaped(name: str, shape: str) -> dict[str, bytes]:
    """A table whose header tells another shape, {} being how many numbers there are."""
    content, size = FILES[name], len(array(name))
    old = f"({size},), }}".encode()
    new = f"{shape.format(size)}, }}".encode()
    head = content[: content.index(b"\n")].replace(old, new)
    head = head[:127].ljust(127) + b"\n"
    return {name: head + (b"" if "0)" in shape else content[128:])}


def _moved(name: str) -> dict[str, bytes]:
    """A table whose header is one byte longer."""
    content = FILES[name]
    return {name: content[:8] + (119).to_bytes(2, "little") + content[10:127] + b" \n" + content[128:]}


# Each would make the C code read outside of the tables, or search without end.
DANGEROUS = {
    "no free step": lambda: _set("compiled-words-steps.npy", np.s_[:, 0], 1),
    "odd number of steps": lambda: {"compiled-words-steps.npy": npy(array("compiled-words-steps.npy")[:-1])},
    "no free slot": lambda: _set("compiled-words-slots.npy", np.s_[:], 1),
    "slot names no word": lambda: _set("compiled-words-slots.npy", 0, 2**32 - 1),
    "words overlap": lambda: _set("compiled-lead-ends.npy", 0, 10_000),
    "words end outside": lambda: _set("compiled-lead-ends.npy", -1, 10_000),
    "too few letters": lambda: {"compiled-words-letters.npy": npy(array("compiled-words-letters.npy")[:-1])},
    "too few nodes": lambda: {"compiled-words-nodes.npy": npy(array("compiled-words-nodes.npy")[:-1])},
    "rows of other topics": lambda: {"compiled-characters-rows.npy": npy(array("compiled-characters-rows.npy")[:, :2])},
    "other numbers": lambda: {"compiled-biases.npy": npy(array("compiled-biases.npy").astype(np.float32))},
    "rows of one more dimension, and so of no topics": lambda: _shaped("compiled-biases.npy", "(2, 0)"),
    "words of one more dimension": lambda: _shaped("compiled-words-ends.npy", "({}, 1)"),
    "letters without any": lambda: _shaped("compiled-words-letters.npy", "({}, 0)"),
    "nodes without any": lambda: _shaped("compiled-words-nodes.npy", "({}, 0)"),
    "fewer numbers than it says": lambda: {"compiled-biases.npy": FILES["compiled-biases.npy"][:-8]},
    "more numbers than it says": lambda: {"compiled-biases.npy": FILES["compiled-biases.npy"] + bytes(8)},
    "numbers between the places where numbers can lie": lambda: _moved("compiled-words-rows.npy"),
    "header that is no dictionary": lambda: _shaped("compiled-biases.npy", "(2,), ((("),
    "pickled": lambda: {"compiled-biases.npy": npy(np.array([object()]))},
}


@pytest.mark.parametrize("what", DANGEROUS)
def test_tables_that_point_outside_are_refused(what: str) -> None:
    with pytest.raises(TablesDamaged):
        read_tables(FILES | DANGEROUS[what]())
