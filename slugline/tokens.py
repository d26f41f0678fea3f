"""Bearer tokens in files: what a server takes, and what a client sends.

A server's file has one token a line, as it is or, better, as `sha256:` and the SHA-256 digest of it in hexadecimal, so
that who reads the file cannot call. Several are valid at once; blank lines and lines that begin with # do not count.
The digests carry no salt: tokens are random, not chosen by people, so there is nothing to look up in tables.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from slugline.errors import Fault, TokenFileError

LEAST_CHARS = 16
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""What RFC 6750, section 2.1 lets a bearer token be."""
_DIGEST = re.compile(r"sha256:([0-9a-fA-F]{64})")


def digest_of(token: str) -> bytes:
    """The SHA-256 digest of a token, 32 bytes."""
    return hashlib.sha256(token.encode()).digest()


def token_digests(path: Path, content: bytes) -> tuple[bytes, ...]:
    """The digests of the tokens in `content`, which `path` holds.

    Raises:
        TokenFileError: a line is no token, or there is none; names the line and never tells what is in it.
    """
    digests = tuple(_digest(path, number, line) for number, line in _lines(path, content))
    if not digests:
        raise TokenFileError(f"{path}: holds no token; write one a line, such as `openssl rand -hex 32` makes")
    return digests


def read_token(path: Path) -> str:
    """The one token in a client's file.

    Raises:
        TokenFileError: the file cannot be read, or holds anything but one token.
    """
    try:
        lines = list(_lines(path, path.read_bytes()))
    except OSError as error:
        raise TokenFileError(f"{path}: cannot be read ({error.strerror}); name the file that holds the token") from None
    if len(lines) != 1:
        raise TokenFileError(f"{path}: holds {len(lines)} tokens; a client sends one, alone on a line")
    return checked_token(str(path), lines[0][1])


def checked_token(origin: str, token: str) -> str:
    """The token, if it is one; `origin` says in errors where it came from.

    Raises:
        TokenFileError: it is none.
    """
    if token.startswith("sha256:"):
        raise TokenFileError(f"{origin}: holds the digest of a token; a client sends the token itself")
    if problem := _problem(token):
        raise TokenFileError(f"{origin}: {problem}")
    return token


def _lines(path: Path, content: bytes) -> Iterator[tuple[int, str]]:
    try:
        lines = content.decode("ascii").splitlines()
    except UnicodeDecodeError:
        raise TokenFileError(f"{path}: is not plain text; write one token a line, in ASCII") from None
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.strip()


def _digest(path: Path, number: int, line: str) -> bytes:
    if line.startswith("sha256:"):
        if found := _DIGEST.fullmatch(line):
            return bytes.fromhex(found[1])
        problem = "is no SHA-256 digest; write sha256: and 64 hexadecimal digits"
    else:
        problem = _problem(line)
    if problem:
        raise TokenFileError(str(Fault(path, number, problem)))
    return digest_of(line)


def _problem(token: str) -> str:
    if len(token) < LEAST_CHARS:
        return (
            f"has a token of {len(token)} characters; make one of at least {LEAST_CHARS}, with `openssl rand -hex 32`"
        )
    if not _TOKEN.fullmatch(token):
        return "has a token with characters that no token has; only letters, digits and -._~+/ with = at the end may be"
    return ""
