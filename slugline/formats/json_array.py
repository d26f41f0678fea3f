"""Elements of a JSON array, one after the other: files of any size are never held whole."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from slugline.errors import InputError

_BLOCK_BYTES = 1 << 16
_OUTSIDE_TEXT = re.compile(rb'["{}\[\],]')
_IN_TEXT = re.compile(rb'["\\]')


def elements(file: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    """The elements of the array in a file, undecoded, with their numbers from 1.

    Only the marks between them are looked at; what is wrong inside of an element is for its decoder to say.

    Raises:
        InputError: there is no array, or it does not end.
    """
    scanner = _Scanner()
    number = 0
    while block := file.read(_BLOCK_BYTES):
        for element in scanner.elements(block):
            number += 1
            yield number, element
    if not scanner.is_whole():
        raise InputError(f"{name}: is no whole JSON array: it breaks off after element {number}, or more follows it")


class _Scanner:
    """How deep in brackets a scan stands, in a text or not, and the element so far."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_text = False
        self._skips_one = False
        self._began = self._ended = False
        self._so_far = bytearray()

    def elements(self, block: bytes) -> Iterator[bytes]:
        """The elements that end in the next block."""
        start, at = 0, int(self._skips_one)
        self._skips_one = False
        while mark := (_IN_TEXT if self._in_text else _OUTSIDE_TEXT).search(block, at):
            at = mark.end()
            was_element, closes = self._began and not self._ended, mark[0] == b"]"
            if self._ends_something(mark[0]):
                element = bytes(self._so_far + block[start : mark.start()]).strip()
                self._so_far.clear()
                start = at
                # Nothing stands before the bracket that closes an empty array.
                if was_element and (element or not closes):
                    yield element
            if self._skips_one and at < len(block):
                at, self._skips_one = at + 1, False
        self._so_far += block[start:]

    def is_whole(self) -> bool:
        """Whether the array has ended, with nothing but white space after it."""
        return self._ended and not self._depth and not self._so_far.strip()

    def _ends_something(self, mark: bytes) -> bool:
        """Take in a mark; whether it ends an element, or what stands before the first."""
        if mark == b'"':
            self._in_text = not self._in_text
        elif mark == b"\\":
            self._skips_one = True
        elif mark in b"{[":
            self._depth += 1
            begins = self._depth == 1 and not self._began
            self._began = True
            return begins
        elif mark in b"]}":
            self._depth -= 1
            self._ended = self._ended or self._depth == 0
            return self._depth == 0
        return mark == b"," and self._depth == 1
