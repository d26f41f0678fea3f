"""The texts that speed is measured on."""

import json
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

from slugline.corpus import read_corpus

_ACCENTS = str.maketrans({"a": "á", "o": "ö", "e": "ê"})


def generated(data: Path, count: int, size: int = 1200) -> list[str]:
    """`count` texts of `size` characters, put together from the articles in `data`; the same every time."""
    contents = read_corpus([data]).contents()
    texts: list[str] = []
    text = ""
    for content in cycle(contents[:: max(1, len(contents) // (8 * count))]):
        text += content + "\n"
        if len(text) >= size:
            texts.append(text[:size])
            text = ""
            if len(texts) == count:
                return texts
    raise AssertionError("cycle never ends")


def given(path: Path, count: int) -> list[str]:
    """The first `count` texts of a JSONL file."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line)["text"] for _, line in zip(range(count), lines, strict=False)]


def accented(texts: Sequence[str]) -> list[str]:
    """The same texts with an accent on one word in eight or so, as in French or Spanish, and a euro sign."""
    return [
        " ".join(w.translate(_ACCENTS) if i % 8 == 0 else w for i, w in enumerate(text.split(" "))) + " €"
        for text in texts
    ]
