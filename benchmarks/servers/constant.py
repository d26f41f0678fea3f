"""A server that reads every request and answers all of them with the same message: the least that gRPC costs.

On asyncio's own event loop, as gRPC's examples have it; on uvloop, as Slugline, where that is the first argument.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import grpc
import uvloop

from slugline.v1 import classification_pb2 as pb

REPLY = pb.ClassifyResponse(
    model_version="20260101T000000Z-00000000",
    document_id="a",
    topics=[
        pb.TopicScore(topic=topic, score=0.123456789, threshold=0.5)
        for topic in ("military_action", "diplomacy", "terrorism")
    ],
)
RESULT = pb.StreamClassifyResponse(index=1, result=REPLY)


async def answer(request: pb.ClassifyRequest, context: object) -> pb.ClassifyResponse:
    """The same for everyone."""
    return REPLY


async def answer_each(
    requests: AsyncIterator[pb.StreamClassifyRequest], context: object
) -> AsyncIterator[pb.StreamClassifyResponse]:
    """The same for every message."""
    async for _ in requests:
        yield RESULT


async def main() -> None:
    """Serve until killed."""
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(
        answer, pb.ClassifyRequest.FromString, pb.ClassifyResponse.SerializeToString
    )
    each = grpc.stream_stream_rpc_method_handler(
        answer_each, pb.StreamClassifyRequest.FromString, pb.StreamClassifyResponse.SerializeToString
    )
    methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {"Classify": handler, "StreamClassify": each}
    service = pb.DESCRIPTOR.services_by_name["ClassificationService"].full_name
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"on 127.0.0.1:{port}. \n")
    sys.stdout.flush()
    await server.wait_for_termination()


(uvloop.run if sys.argv[1:] == ["uvloop"] else asyncio.run)(main())
