"""Origins: where in a document, as its sender wrote it, a span of its content comes from."""

import html
import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Literal

from slugline.documents import BETWEEN, Document

# What html.unescape looks at; it may leave what it finds as it is.
_ENTITY = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)")


@dataclass(frozen=True, slots=True)
class Origin:
    """Characters `start` to `end` (not included) of a field of a document, as it was sent."""

    field: Literal["title", "text"]
    start: int
    end: int


class Origins:
    """Finds the origins of spans of `document.content()`."""

    def __init__(self, document: Document) -> None:
        self._before_text = len(document.title) + len(BETWEEN) if document.title else 0
        self._title = len(document.title)
        # Pieces of the content: where each begins there, where it begins and ends in the joined text, and whether it is
        # an entity, whose characters all come from the whole of it.
        self._contents: list[int] = []
        self._joined: list[tuple[int, int, bool]] = []
        self._cut(document.joined())

    def of(self, start: int, end: int) -> list[Origin]:
        """The origins of the characters `start` to `end` of the content: one, or one of each field."""
        first, last = self._place(start)[0], self._place(end - 1)[1]
        found = []
        if first < self._title:
            found.append(Origin("title", first, min(last, self._title)))
        if last > self._before_text:
            found.append(Origin("text", max(first, self._before_text) - self._before_text, last - self._before_text))
        return found

    def _cut(self, joined: str) -> None:
        at = position = 0
        for entity in _ENTITY.finditer(joined) if "&" in joined else ():
            position = self._add(position, at, entity.start(), is_entity=False)
            self._add(position, *entity.span(), is_entity=True)
            position += len(html.unescape(entity.group()))
            at = entity.end()
        self._add(position, at, len(joined), is_entity=False)

    def _add(self, position: int, start: int, end: int, *, is_entity: bool) -> int:
        if start < end:
            self._contents.append(position)
            self._joined.append((start, end, is_entity))
        return position + end - start

    def _place(self, position: int) -> tuple[int, int]:
        """The first character that one of the content comes from, and the one after the last."""
        piece = bisect_right(self._contents, position) - 1
        start, end, is_entity = self._joined[piece]
        if is_entity:
            return start, end
        return start + position - self._contents[piece], start + position - self._contents[piece] + 1
