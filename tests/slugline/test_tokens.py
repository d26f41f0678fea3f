from hashlib import sha256
from pathlib import Path

import pytest

from slugline.errors import TokenFileError
from slugline.tokens import read_token, token_digests

FIRST, SECOND = "first-token-of-many", "c2Vjb25k/IHRva2Vu+w=="
PATH = Path("tokens")


def test_tokens_and_digests_stand_side_by_side() -> None:
    content = f"# who\n{FIRST}\n\n  sha256:{sha256(SECOND.encode()).hexdigest().upper()}\r\n"
    assert token_digests(PATH, content.encode()) == tuple(sha256(token.encode()).digest() for token in (FIRST, SECOND))


FAULTY = [
    (b"", "tokens: holds no token"),
    (b"# only this\n\n", "tokens: holds no token"),
    (b"good-enough-token-1\nhunter2secrets\n", "tokens:2: has a token of 14 characters"),
    (b"hunter2 secrets secrets\n", "tokens:1: has a token with characters"),
    (b"sha256:hunter2secretssecrets\n", "tokens:1: is no SHA-256 digest"),
    ("hunter2\u2019secrets".encode(), "tokens: is not plain text"),
    (b"\xff\xfehunter2secrets", "tokens: is not plain text"),
]


@pytest.mark.parametrize(("content", "message"), FAULTY)
def test_faulty_files_are_refused_by_line_and_nothing_of_them_is_told(content: bytes, message: str) -> None:
    with pytest.raises(TokenFileError) as caught:
        token_digests(PATH, content)
    assert str(caught.value).startswith(message)
    assert "hunter2" not in str(caught.value)


def test_a_client_sends_the_one_token_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"# mine\n{FIRST}\n")
    assert read_token(path) == FIRST


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"{FIRST}\n{SECOND}\n", "holds 2 tokens"),
        ("", "holds 0 tokens"),
        (f"sha256:{'0' * 64}\n", "holds the digest"),
        ("short\n", "has a token of 5 characters"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_no_client_can_use(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content)
    with pytest.raises(TokenFileError, match=message):
        read_token(path)
