"""Plain requests are read as those who parse messages read them; all others are left to them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slugline.compiled.library import plain_lower_case
from slugline.compiled.scorer import CompiledScorer
from slugline.compiled.tables import tables_of
from slugline.documents import Document
from slugline.v1 import classification_pb2 as pb
from tests.slugline.compiled.test_scorer import ALL_SETTINGS, CORPUS, PIPELINES, TEXT, build

SCORERS = [CompiledScorer(tables_of(pipeline)) for pipeline in (PIPELINES["default"], build(ALL_SETTINGS["lead"], 3))]
SENDABLE = TEXT.map(lambda text: text.encode("utf-8", "ignore").decode())
ORDINARY = [text for text in CORPUS[2:5] if "🚀" not in text] + [CORPUS[0], "x", "L’été à Genève: ½ Straße"]


def request(text: str, title: str = "", name: str = "") -> bytes:
    return pb.ClassifyRequest(document=pb.Document(id=name, title=title, text=text)).SerializeToString()


def check(scorer: CompiledScorer, raw: bytes) -> bool:
    """Whether a request is plain; if so, that it is read as its message would be."""
    read = scorer.read_request(raw)
    if read is None:
        return False
    values, tokens, characters, document_id = read
    message = pb.ClassifyRequest.FromString(raw)
    assert [field.name for field, _ in message.ListFields()] == ["document"]
    content = Document(message.document.text, message.document.title).content()
    assert scorer.read_one(content) == (values, tokens)
    assert (characters, document_id.decode()) == (len(content), message.document.id)
    return True


@settings(max_examples=300)
@given(text=SENDABLE, title=SENDABLE, name=SENDABLE)
def test_what_is_plain_is_read_as_its_message(text: str, title: str, name: str) -> None:
    for scorer in SCORERS:
        check(scorer, request(text, title, name))


@settings(max_examples=300)
@given(text=SENDABLE, edits=st.lists(st.tuples(st.integers(0, 60), st.integers(-1, 255)), max_size=4))
def test_what_is_damaged_is_read_as_its_message_or_not_at_all(text: str, edits: list[tuple[int, int]]) -> None:
    raw = bytearray(request(text, "A title", "7"))
    for at, byte in edits:
        raw[at : at + 1] = b"" if byte < 0 else bytes([byte])
    check(SCORERS[0], bytes(raw))


@given(raw=st.binary(max_size=40))
def test_any_bytes_are_read_as_their_message_or_not_at_all(raw: bytes) -> None:
    check(SCORERS[0], raw)
    check(SCORERS[0], b"\x0a" + bytes([len(raw)]) + raw)


@pytest.mark.parametrize("text", ORDINARY)
def test_news_in_any_script_is_plain(text: str) -> None:
    for raw in (request(text), request(text, "Überschrift"), request(text, name="a" * 127), request(text * 3000)):
        for scorer in SCORERS:
            assert check(scorer, raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x0a",
        b"\x0a\x00",
        request(""),
        request(" \n\u2003.", "A title"),
        request("Fish &amp; chips"),
        request("ΣΟΦΟΣ"),
        request("İstanbul"),
        request("a rocket 🚀"),
        request("a nul\0"),
        request("text", "🚀"),
        request("text", name="é"),
        request("text", name="a" * 128),
        request("text") * 2,
        request("text") + pb.ClassifyRequest(evidence_terms=1).SerializeToString(),
        request("text") + pb.ClassifyRequest(topics=["a"]).SerializeToString(),
        request("text") + pb.ClassifyRequest(model_version="a").SerializeToString(),
        request("text") + b"\x52\x00",
        b"\x0a\x06\x1a\x01a\x1a\x01b",
        b"\x0a\x05\x1a\x01a\x22\x00",
        b"\x0a\x03\x1a\x02a",
        b"\x0a\x03\x18\x01a",
        b"\x0a\x04\x1a\x02a\xc3",
        b"\x0a\x05\x1a\x03a\xc1\xa1",
        b"\x0a\x06\x1a\x04a\xe0\x81\xa1",
        b"\x0a\x06\x1a\x04a\xed\xa0\x80",
        b"\x0a\x05\x1a\x03a\x80\x80",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a",
    ],
)
def test_all_else_is_left_to_those_who_parse(raw: bytes) -> None:
    assert not check(SCORERS[0], raw)


def test_a_length_may_be_written_with_more_bytes_than_it_takes() -> None:
    assert check(SCORERS[0], b"\x0a\x84\x00\x1a\x81\x00a")
    assert check(SCORERS[0], b"\x0a\x85\x00\x1a\x82\x00ab")


def test_lower_case_is_that_of_python() -> None:
    plain = plain_lower_case()
    expected = [chr(code).lower() for code in range(0x10000)]
    left = {0, ord("&"), 0x130, 0x3A3, *range(0xD800, 0xE000)}
    assert {code for code in range(0x10000) if not plain[code]} == left
    assert all(chr(plain[code]) == expected[code] for code in range(0x10000) if code not in left)
    # What is left is all whose form is longer, or depends on where it stands.
    assert {code for code in range(0x10000) if len(expected[code]) > 1} == {0x130}
    around = [chr(code).join("AA").lower()[1] for code in range(0x10000)]
    assert {code for code in np.flatnonzero(plain).tolist() if around[code] != chr(plain[code])} == set()
