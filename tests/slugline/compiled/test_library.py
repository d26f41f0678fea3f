import re
import sys

import pytest

from slugline.compiled import library


def test_classes_are_those_of_pythons_regular_expressions() -> None:
    classes = library.character_classes()
    assert len(classes) == sys.maxunicode + 1
    for code in [*range(0x3000), *range(0x10000, 0x10400), 0xD800, 0x10FFFF, 0x1F680]:
        character = chr(code)
        assert bool(classes[code] & 1) == bool(re.match(r"\w", character)), hex(code)
        assert bool(classes[code] & 2) == bool(re.match(r"\s", character)) == character.isspace(), hex(code)


def test_spaces_are_those_that_split_splits_at() -> None:
    classes = library.character_classes()
    spaces = [chr(code) for code in range(sys.maxunicode + 1) if classes[code] & 2]
    assert spaces
    assert all(f"a{space}b".split() == ["a", "b"] for space in spaces)


def test_a_missing_library_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    library.library.cache_clear()
    monkeypatch.setattr(library, "find_spec", lambda _: None)
    with pytest.raises(ImportError, match="install Slugline again"):
        library.library()
    library.library.cache_clear()
