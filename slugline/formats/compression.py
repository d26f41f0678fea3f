"""Compression: files opened as what is in them, whether gzip, Zstandard or neither."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from slugline.errors import DataNotFound, InputError, LibraryMissing

SUFFIXES = (".gz", ".zst")
_BLOCK_BYTES = 16_384
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The uncompressed bytes of a file, in a stream; what it is compressed by is told from its first bytes.

    Raises:
        DataNotFound: the file cannot be read.
        InputError: its compressed data is damaged or cut short.
        LibraryMissing: it is Zstandard, and the library for it is not installed.
    """
    try:
        with path.open("rb") as file, _uncompressed(file, file.peek(4)[:4]) as stream:
            yield stream
    except (EOFError, gzip.BadGzipFile, zlib.error, _Damaged) as error:
        raise InputError(f"{path}: its compressed data is damaged or cut short: {error}") from None
    except OSError as error:
        raise DataNotFound(f"{path}: cannot be read: {error.strerror or error}") from None


def _uncompressed(file: io.BufferedReader, magic: bytes) -> BinaryIO:
    if magic.startswith(_GZIP):
        return cast(BinaryIO, gzip.open(file, "rb"))
    if magic == _ZSTD:
        return io.BufferedReader(_ZstdStream(file))
    return file


class _Damaged(Exception):
    """Zstandard data that ends before its end, or is none."""


class _ZstdStream(io.RawIOBase):
    """Frames of Zstandard, one after another; the library's own stream takes data that is cut short for complete."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._library = zstandard()
        self._frame: Any = None
        self._waiting = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._waiting:
            if not self._fill():
                return 0
        taken = self._waiting[: len(buffer)]
        buffer[: len(taken)] = taken
        self._waiting = self._waiting[len(taken) :]
        return len(taken)

    def _fill(self) -> bool:
        left: bytes = self._frame.unused_data if self._frame is not None and self._frame.eof else b""
        compressed = left or self._file.read(_BLOCK_BYTES)
        if not compressed:
            if self._frame is not None and not self._frame.eof:
                raise _Damaged("it ends before its end")
            return False
        if self._frame is None or self._frame.eof:
            self._frame = self._library.ZstdDecompressor().decompressobj()
        try:
            self._waiting = memoryview(self._frame.decompress(compressed))
        except self._library.ZstdError as error:
            raise _Damaged(str(error)) from None
        return True


def is_compressed(path: Path) -> bool:
    """Whether the first bytes of a file are those of gzip or Zstandard."""
    if not path.is_file():
        # A pipe can be read but once.
        return False
    with path.open("rb") as file:
        magic = file.read(4)
    return magic.startswith(_GZIP) or magic == _ZSTD


@contextmanager
def created(path: Path) -> Iterator[IO[bytes]]:
    """A stream into a new file, compressed as its suffix says: ``.gz``, ``.zst``, or not."""
    suffix = path.suffix.lower()
    with path.open("wb") as file:
        if suffix == ".gz":
            # Without the time, the same rows give the same bytes.
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as stream:
                yield cast(IO[bytes], stream)
        elif suffix == ".zst":
            with zstandard().ZstdCompressor().stream_writer(file, closefd=False) as stream:
                yield stream
        else:
            yield file


def bare_name(path: Path) -> str:
    """The name of a file without the suffix of its compression."""
    return path.stem if path.suffix.lower() in SUFFIXES else path.name


def zstandard() -> Any:
    """The library for Zstandard.

    Raises:
        LibraryMissing: it is not installed.
    """
    try:
        import zstandard as library
    except ImportError:
        raise LibraryMissing("Zstandard", "zstandard", "formats") from None
    return library
