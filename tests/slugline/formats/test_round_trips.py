"""Any rows at all, through every format and back."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slugline.corpus import article_problems
from slugline.errors import InputError, LossyConversion
from slugline.formats.conversion import convert
from slugline.formats.fasttext import FASTTEXT
from slugline.formats.reading import PLAIN, Reading
from slugline.formats.records import Fields, Survey
from tests.slugline.formats.rows import PLAIN_ROWS, fields_in, write_jsonl

SUFFIXES = {
    "jsonl": ".jsonl",
    "csv": ".csv",
    "tsv": ".tsv",
    "parquet": ".parquet",
    "arrow": ".arrow",
    "arrow-stream": ".arrows",
    "doccano": ".jsonl",
    "label-studio": ".json",
    "prodigy": ".jsonl",
    "spacy-json": ".jsonl",
    "hugging-face": "",
}
COMPRESSIBLE = ["jsonl", "csv", "tsv", "fasttext", "doccano", "label-studio", "prodigy", "spacy-json"]

CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXT = st.text(CHARACTERS, max_size=30)
NAMES = st.text(CHARACTERS, min_size=1, max_size=8) | st.sampled_from(["label", "Body", "options", "date", "x:json"])
TOPICS = st.lists(
    st.sampled_from(["war", "act of terror", "50% off", "a;b|c", "[x]", "Ünïcode", "__label__"]), unique=True
)
JSON = st.recursive(
    st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=4,
)


@st.composite
def articles(draw: st.DrawFn) -> list[Fields]:
    """Rows as Slugline keeps them, some unlabelled, with columns that are there in some rows and not in others."""
    kinds = {name: draw(st.sampled_from([TEXT, JSON, st.integers(0, 9)])) for name in draw(st.sets(NAMES, max_size=3))}
    rows = []
    for number in range(draw(st.integers(1, 4))):
        row: dict[str, Any] = {"id": f"{draw(TEXT)}{number}", "text": draw(TEXT.filter(str.strip))}
        row |= draw(st.fixed_dictionaries({}, optional={"title": TEXT.filter(bool), "topics": TOPICS, "source": TEXT}))
        row |= draw(st.fixed_dictionaries({}, optional=kinds))
        rows.append(row)
    return [row for row in rows if not article_problems(row)]


@pytest.mark.parametrize("name", SUFFIXES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(rows=articles().filter(bool))
def test_what_is_not_refused_as_lossy_comes_back_as_it_was(tmp_path: Path, name: str, rows: list[Fields]) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", rows)
    there = tmp_path / f"there{SUFFIXES[name]}"
    remove(there)
    as_read = fields_in(source, Reading("jsonl"))
    try:
        done = convert(source, there, Reading("jsonl"), to=name)
    except LossyConversion as error:
        assert error.lost
        assert not there.exists()
        return
    assert done.rows == len(rows)
    back = fields_in(there, Reading(name))
    assert back == as_read == rows


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(rows=st.lists(st.fixed_dictionaries({"text": TEXT.filter(str.strip)}, optional={"topics": TOPICS})))
def test_what_fasttext_has_a_place_for_comes_back(tmp_path: Path, rows: list[Fields]) -> None:
    path, survey = tmp_path / "there.ft", Survey()
    held = [row for row in rows if not FASTTEXT.lost(row, survey)]
    assert held or not any(row["text"].isalnum() for row in rows)
    FASTTEXT.write(path, iter(held), survey)
    assert [without_id(fields) for fields in fields_in(path, Reading("fasttext"))] == held


@pytest.mark.parametrize("name", SUFFIXES)
def test_ordinary_articles_are_never_lossy(tmp_path: Path, name: str) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", PLAIN_ROWS)
    there, back = tmp_path / f"there{SUFFIXES[name]}", tmp_path / "back.jsonl"
    assert convert(source, there, PLAIN, to=name).lost == {}
    # Every format is recognised from what it wrote.
    assert PLAIN.format_of(there).name == name
    assert convert(there, back, PLAIN).rows == len(PLAIN_ROWS)
    assert fields_in(back) == PLAIN_ROWS


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("name", COMPRESSIBLE)
def test_text_can_be_compressed(tmp_path: Path, name: str, suffix: str) -> None:
    rows = [{"text": "Troops shelled two villages. " * 9, "topics": ["war"]}] * 3000
    source = write_jsonl(tmp_path / "in.jsonl", [{"id": f"a{n}"} | row for n, row in enumerate(rows)])
    there = tmp_path / f"there{SUFFIXES.get(name, '.ft')}{suffix}"
    convert(source, there, PLAIN, to=name, lossy=True)
    assert there.stat().st_size < source.stat().st_size / 10
    assert PLAIN.format_of(there).name == name
    assert [without_id(fields) for fields in fields_in(there)] == rows
    whole = there.read_bytes()
    there.write_bytes(whole[:-20])
    with pytest.raises(InputError, match="damaged or cut short"):
        fields_in(there)


def without_id(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if name != "id"}


def remove(path: Path) -> None:
    if path.is_dir():
        for child in path.iterdir():
            child.unlink()
        path.rmdir()
    path.unlink(missing_ok=True)
