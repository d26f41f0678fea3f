"""MLServer with the pipeline from its file, in a process of its own without workers, which is when it is fastest.

A script for an interpreter that has MLServer, this scikit-learn and joblib, but need not have Slugline:
`python mlserver_pipeline.py PIPELINE_FILE`.
"""

import asyncio
import os
import socket
import sys

import joblib
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse


class PipelineModel(MLModel):  # type: ignore[misc]
    """Scores the texts of the first input."""

    async def load(self) -> bool:
        """Read the pipeline."""
        self._pipeline = joblib.load(sys.argv[1])
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """One output, the scores."""
        scores = self._pipeline.predict_proba(StringCodec.decode_input(payload.inputs[0]))
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("scores", scores)])


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


async def main() -> None:
    """Serve until killed; say where once the port answers, which is after the model is loaded."""
    http, grpc, metrics = free_ports(3)
    settings = Settings(
        host="127.0.0.1", http_port=http, grpc_port=grpc, metrics_port=metrics, parallel_workers=0, debug=False
    )
    server = MLServer(settings)
    serving = asyncio.create_task(server.start([ModelSettings(name="default", implementation=PipelineModel)]))
    while not serving.done():
        await asyncio.sleep(0.05)
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", grpc)) == 0 and await server._model_registry.get_models():
                break
    told.write(f"on 127.0.0.1:{grpc}. \n")
    told.flush()
    await serving


# MLServer logs to standard output.
told = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
asyncio.run(main())
