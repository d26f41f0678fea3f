import asyncio

import pytest

from service.rpc import parse
from service.servicer import ClassificationServicer
from service.settings import Limits
from service.tally import Tally
from slugline.errors import NotReady, Undecodable
from slugline.v1 import classification_pb2 as pb


def test_until_the_model_is_there_calls_are_refused_as_not_ready() -> None:
    servicer = ClassificationServicer(Limits(), Tally())
    with pytest.raises(NotReady):
        asyncio.run(servicer.Classify(pb.ClassifyRequest(document=pb.Document(text="x")), None))
    with pytest.raises(NotReady):
        asyncio.run(servicer.GetModel(pb.GetModelRequest(), None))


def test_parsing_names_the_message_that_was_expected() -> None:
    with pytest.raises(Undecodable, match="valid BatchClassifyRequest"):
        parse(pb.BatchClassifyRequest, b"\xff")
