"""The server one writes after the tutorials: a thread pool, the generated servicer, and the pipeline from its file."""

import sys
from concurrent import futures
from pathlib import Path

import grpc
import joblib

from slugline import store
from slugline.v1 import classification_pb2 as pb
from slugline.v1 import classification_pb2_grpc as pb_grpc

TOPICS = ("military_action", "diplomacy", "terrorism")


class Servicer(pb_grpc.ClassificationServiceServicer):
    """Answers Classify."""

    def __init__(self, path: Path) -> None:
        self.pipeline = joblib.load(path)

    def Classify(self, request: pb.ClassifyRequest, context: grpc.ServicerContext) -> pb.ClassifyResponse:  # noqa: N802
        """One document."""
        (scores,) = self.pipeline.predict_proba([request.document.text])
        return pb.ClassifyResponse(
            model_version="1",
            document_id=request.document.id,
            topics=[
                pb.TopicScore(topic=topic, score=score, threshold=0.5, assigned=bool(score >= 0.5))
                for topic, score in zip(TOPICS, scores, strict=True)
            ],
        )


server = grpc.server(futures.ThreadPoolExecutor(max_workers=10))
folder = store.find(Path(sys.argv[1]))
pb_grpc.add_ClassificationServiceServicer_to_server(  # type: ignore[no-untyped-call]
    Servicer(folder / store.MODEL_FILE), server
)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
sys.stdout.write(f"on 127.0.0.1:{port}. \n")
sys.stdout.flush()
server.wait_for_termination()
