import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slugline.durable import replace_text
from slugline.promotions import CURRENT_FILE, HISTORY_FILE, advance, current, earlier, predecessor, step_back

VERSIONS = ("v1", "v2", "v3")


def folders(home: Path) -> Path:
    for version in VERSIONS:
        (home / version).mkdir(parents=True)
    return home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return folders(tmp_path / "name")


def stack(home: Path) -> list[str | None]:
    return [*earlier(home), current(home)]


@settings(max_examples=40)
@given(st.lists(st.sampled_from([*VERSIONS, "back"]), max_size=20))
def test_promotions_and_steps_back_are_a_stack(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = folders(Path(folder) / "name")
        expected: list[str] = []
        for step in steps:
            if step != "back":
                advance(home, step)
                expected += [step] if expected[-1:] != [step] else []
            elif len(expected) > 1:
                step_back(home)
                expected.pop()
            assert (stack(home) if expected else []) == expected
            assert predecessor(home) == (expected[-2] if len(expected) > 1 else None)


def test_a_promotion_killed_between_its_two_files_has_not_happened(home: Path) -> None:
    advance(home, "v1")
    advance(home, "v2")
    advance(home, "v3")
    (home / CURRENT_FILE).write_text("v2\n")
    assert stack(home) == ["v1", "v2"]
    advance(home, "v3")
    assert stack(home) == ["v1", "v2", "v3"]


def test_a_step_back_killed_between_its_two_files_has_happened(home: Path) -> None:
    advance(home, "v1")
    advance(home, "v2")
    advance(home, "v3")
    history = (home / HISTORY_FILE).read_bytes()
    step_back(home)
    (home / HISTORY_FILE).write_bytes(history)
    assert stack(home) == ["v1", "v2"]
    step_back(home)
    assert stack(home) == ["v1"]


def test_nothing_of_the_history_is_needed_to_know_the_current_version(home: Path) -> None:
    advance(home, "v1")
    advance(home, "v2")
    (home / HISTORY_FILE).write_bytes(b"\xff\x00 \n\n")
    assert current(home) == "v2"
    (home / HISTORY_FILE).unlink()
    assert stack(home) == ["v2"]
    advance(home, "v3")
    assert stack(home) == ["v2", "v3"]


def test_a_version_that_is_not_there_is_not_remembered(home: Path) -> None:
    advance(home, "v1")
    (home / CURRENT_FILE).write_bytes(b"\xff")
    advance(home, "v2")
    assert stack(home) == ["v2"]


def test_readers_see_the_old_or_the_new_version_and_nothing_else(home: Path) -> None:
    advance(home, "v1")
    seen: set[str | None] = set()
    done = Event()

    def read() -> None:
        while not done.is_set():
            seen.add(current(home))

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        for number in range(300):
            replace_text(home / CURRENT_FILE, VERSIONS[number % 2] + "\n")
        done.set()
        reading.result()
    assert seen == {"v1", "v2"}
