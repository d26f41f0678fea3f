"""Calls a server as users of Triton's Python client do; prints what came back as JSON.

A process of its own: the client's stubs and Slugline's both register the package `inference`.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from tritonclient import grpc as triton
from tritonclient.grpc import aio, service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

OUTPUTS = ("scores", "topics", "assigned")


def plain(result: Any, names: tuple[str, ...] = OUTPUTS) -> dict[str, Any]:
    """A result's tensors, by name, and the envelope they came in."""
    response = result.get_response()
    tensors: dict[str, Any] = {}
    for name in names:
        array = result.as_numpy(name)
        values = [value.decode() for value in array] if array.dtype == np.object_ else array.tolist()
        tensors[name] = {"dtype": str(array.dtype), "shape": list(array.shape), "values": values}
    return {
        "tensors": tensors,
        "id": response.id,
        "model": [response.model_name, response.model_version],
        "order": [output.name for output in response.outputs],
        "parameters": {name: value.string_param for name, value in response.parameters.items()},
    }


def tensor(array: Any, kind: Any = triton.InferInput) -> Any:
    made = kind("text", list(array.shape), "BYTES")
    made.set_data_from_numpy(array)
    return made


def typed(address: str, model: str, texts: list[str]) -> list[dict[str, Any]]:
    """The same through Triton's stubs with typed contents, which its own classes never send."""
    import grpc

    contents = service_pb2.InferTensorContents(bytes_contents=[text.encode() for text in texts])
    found = []
    for shape in ([len(texts)], [len(texts), 1]):
        sent = service_pb2.ModelInferRequest.InferInputTensor(
            name="text", datatype="BYTES", shape=shape, contents=contents
        )
        with grpc.insecure_channel(address) as channel:
            stub: Any = service_pb2_grpc.GRPCInferenceServiceStub(channel)
            answer = stub.ModelInfer(service_pb2.ModelInferRequest(model_name=model, id="typed", inputs=[sent]))
        by_name = {output.name: output for output in answer.outputs}
        found.append(
            {
                "id": answer.id,
                "raw": len(answer.raw_output_contents),
                "shapes": {name: list(output.shape) for name, output in by_name.items()},
                "scores": list(by_name["scores"].contents.fp32_contents),
                "topics": [name.decode() for name in by_name["topics"].contents.bytes_contents],
                "assigned": list(by_name["assigned"].contents.bool_contents),
            }
        )
    return found


def faults(client: Any, model: str) -> dict[str, list[str]]:
    one = tensor(np.array(["Troops shelled the town."], dtype=np.object_))
    numbers = triton.InferInput("text", [1], "INT32")
    numbers.set_data_from_numpy(np.array([1], dtype=np.int32))
    calls: dict[str, Callable[[], Any]] = {
        "unknown model": lambda: client.infer("other", [one]),
        "unknown version": lambda: client.infer(model, [one], model_version="1"),
        "unknown output": lambda: client.infer(model, [one], outputs=[triton.InferRequestedOutput("labels")]),
        "another form": lambda: client.infer(model, [one], outputs=[triton.InferRequestedOutput("scores", 2)]),
        "wrong datatype": lambda: client.infer(model, [numbers]),
        "bad UTF-8": lambda: client.infer(model, [tensor(np.array([b"\xff"], dtype=np.object_))]),
        "load": lambda: client.load_model(model),
        "unload": lambda: client.unload_model(model),
    }
    found = {}
    for name, call in calls.items():
        try:
            call()
            found[name] = ["OK", ""]
        except InferenceServerException as error:
            found[name] = [str(error.status()).removeprefix("StatusCode."), str(error.message())]
    return found


async def asynchronous(address: str, model: str, texts: list[str]) -> dict[str, Any]:
    async with aio.InferenceServerClient(address) as client:
        sent = tensor(np.array(texts, dtype=np.object_), aio.InferInput)
        return plain(await client.infer(model, [sent], request_id="aio"))


def main() -> None:
    address, model = sys.argv[1:3]
    texts: list[str] = json.load(sys.stdin)
    flat, encoded = np.array(texts, dtype=np.object_), [text.encode() for text in texts]
    with triton.InferenceServerClient(address) as client:
        chosen = [triton.InferRequestedOutput(name) for name in ("assigned", "scores")]
        said = {
            "version": version("tritonclient"),
            "live": client.is_server_live(),
            "ready": client.is_server_ready(),
            "model ready": client.is_model_ready(model),
            "other ready": client.is_model_ready("other"),
            "other version ready": client.is_model_ready(model, "1"),
            "server": client.get_server_metadata(as_json=True),
            "model": client.get_model_metadata(model, as_json=True),
            "index": client.get_model_repository_index(as_json=True),
            "flat": plain(client.infer(model, [tensor(flat)], request_id="flat")),
            "column": plain(client.infer(model, [tensor(flat.reshape(-1, 1))])),
            "bytes": plain(client.infer(model, [tensor(np.array(encoded, dtype=np.object_))])),
            "fixed": plain(client.infer(model, [tensor(np.array(encoded))])),
            "chosen": plain(client.infer(model, [tensor(flat)], outputs=chosen), ("assigned", "scores")),
            "aio": asyncio.run(asynchronous(address, model, texts)),
            "typed": typed(address, model, texts),
            "faults": faults(client, model),
        }
        said["same version"] = plain(client.infer(model, [tensor(flat)], model_version=said["flat"]["model"][1]))
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
