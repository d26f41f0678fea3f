"""Plain calls, and messages of streams: one short document, all topics, no evidence and no warnings, as nearly all are.

They are read and answered without making messages of them, which takes longer than all else that is done for a call,
scoring aside. What is not plain is left to those who make messages, so that nothing here decides what an answer says.
"""

import sys
from collections.abc import Sequence
from struct import Struct

from slugline.v1 import classification_pb2 as pb

_DOUBLE = Struct("<d").pack
_ANY_SCORE = sys.float_info.max
"""Stands where a score will be written: its bytes occur in no name, since none is UTF-8, and in no threshold."""

_RESULT_TAG = pb.StreamClassifyResponse(result=pb.ClassifyResponse()).SerializeToString()[:1]

_Pieces = tuple[bytes, bytes]
"""What a reply says of a topic, before its score and after it."""


class PlainReplies:
    """Writes replies like `template`, which has all of them but the scores, what they assign, and the id."""

    def __init__(self, template: pb.ClassifyResponse) -> None:
        self._head = pb.ClassifyResponse(model_version=template.model_version).SerializeToString()
        self._id_tag = pb.ClassifyResponse(document_id="a").SerializeToString()[:1]
        self._thresholds = [topic.threshold for topic in template.topics]
        self._pieces = [(_pieces(topic, assigned=False), _pieces(topic, assigned=True)) for topic in template.topics]

    def written(self, values: Sequence[float], document_id: bytes) -> bytes:
        """The reply about a document, from the scores of all topics and its id in UTF-8, at most 127 bytes."""
        parts = [self._head]
        if document_id:
            parts += (self._id_tag, bytes((len(document_id),)), document_id)
        for value, threshold, pieces in zip(values, self._thresholds, self._pieces, strict=True):
            before, after = pieces[value >= threshold]
            parts += (before, _DOUBLE(value), after)
        return b"".join(parts)


def in_stream(index: int, reply: bytes) -> bytes:
    """The bytes of a `StreamClassifyResponse` from those of the `ClassifyResponse` about the document at `index`."""
    return b"".join(
        (pb.StreamClassifyResponse(index=index).SerializeToString(), _RESULT_TAG, _varint(len(reply)), reply)
    )


def _varint(number: int) -> bytes:
    """A number as messages have it: seven bits a byte, the lowest first, and one more bit in all but the last."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _pieces(blank: pb.TopicScore, *, assigned: bool) -> _Pieces:
    topic = pb.TopicScore(score=_ANY_SCORE, assigned=assigned)
    topic.MergeFrom(blank)
    before, _, after = pb.ClassifyResponse(topics=[topic]).SerializeToString().partition(_DOUBLE(_ANY_SCORE))
    return before, after
