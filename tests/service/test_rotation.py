from pathlib import Path

import pytest
import structlog

from service.rotation import Rotated
from slugline.errors import CannotServe, InputError


def number(contents: list[bytes]) -> int:
    try:
        return sum(map(int, contents))
    except ValueError:
        raise InputError("not a number") from None


def test_what_is_faulty_changes_nothing_and_is_said_once(tmp_path: Path) -> None:
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        path.write_text("1")
    rotated = Rotated("numbers", paths, number)
    steps: list[tuple[str | None, int, int]] = [
        ("1", 2, 0),
        ("5", 6, 1),
        ("x", 6, 1),
        ("x", 6, 0),
        (None, 6, 1),
        (None, 6, 0),
        ("5", 6, 0),
        ("x", 6, 1),
        ("7", 8, 1),
    ]
    for content, value, lines in steps:
        paths[1].unlink(missing_ok=True)
        if content is not None:
            paths[1].write_text(content)
        with structlog.testing.capture_logs() as logs:
            rotated.look()
        assert (rotated.value, len(logs)) == (value, lines), content


@pytest.mark.parametrize(("content", "message"), [("x", "not a number"), (None, "none: cannot be read")])
def test_what_is_faulty_at_first_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "none"
    if content is not None:
        path.write_text(content)
    with pytest.raises(CannotServe, match=message):
        Rotated("numbers", [path], number)
