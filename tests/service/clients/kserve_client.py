"""Calls a server as users of KServe's Python client do; prints what came back as JSON.

A process of its own: the client's stubs and Slugline's both register the package `inference`.
"""

import asyncio
import json
import logging
import sys
from importlib.metadata import version
from typing import Any

import grpc
import numpy as np
from kserve import InferenceGRPCClient, InferInput, InferRequest
from kserve.protocol.infer_type import RequestedOutput


def plain(response: Any) -> dict[str, Any]:
    """A response's tensors, by name, and the envelope they came in."""
    tensors: dict[str, Any] = {}
    for output in response.outputs:
        array = output.as_numpy()
        values = [str(value, "utf-8") if isinstance(value, bytes) else value for value in array.ravel().tolist()]
        tensors[output.name] = {"datatype": output.datatype, "shape": list(array.shape), "values": values}
    return {"tensors": tensors, "id": response.id, "model": [response.model_name, response.model_version]}


def request(model: str, texts: list[str], shape: list[int], *, raw: bool, **fields: Any) -> InferRequest:
    if raw:
        sent = InferInput("text", shape, "BYTES")
        sent.set_data_from_numpy(np.array(texts, dtype=np.object_).reshape(shape), binary_data=True)
    else:
        sent = InferInput("text", shape, "BYTES", data=texts)
    return InferRequest(model_name=model, infer_inputs=[sent], **fields)


async def converse(address: str, model: str, texts: list[str]) -> dict[str, Any]:
    async with InferenceGRPCClient(address, use_ssl=False) as client:
        n = len(texts)
        said: dict[str, Any] = {
            "version": version("kserve"),
            "live": await client.is_server_live(),
            "ready": await client.is_server_ready(),
            "model ready": await client.is_model_ready(model),
            "other ready": await client.is_model_ready("other"),
            "typed": plain(await client.infer(request(model, texts, [n], raw=False, request_id="typed"))),
            "typed column": plain(await client.infer(request(model, texts, [n, 1], raw=False))),
            "raw": plain(await client.infer(request(model, texts, [n], raw=True, request_id="raw"))),
            "raw column": plain(await client.infer(request(model, texts, [n, 1], raw=True))),
            "chosen": plain(
                await client.infer(
                    request(model, texts, [n], raw=False, request_outputs=[RequestedOutput("assigned", {})])
                )
            ),
        }
        try:
            await client.infer(request("other", texts, [n], raw=False))
        except grpc.RpcError as error:
            said["unknown model"] = [error.code().name, error.details()]
        return said


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    json.dump(asyncio.run(converse(sys.argv[1], sys.argv[2], json.load(sys.stdin))), sys.stdout)
