"""The servicer of the Open Inference Protocol, version 2: texts come as a tensor, and so do scores go.

Every method says the same as one of slugline.v1 or of health; docs/inference.md tells which.
"""

import asyncio
from typing import Any

from service.calls import Context, Waiting, in_thread
from service.drift import count_refused
from service.health import Health
from service.reading import LONG_CHARS, Reader
from service.settings import ServerSettings
from service.tally import Tally
from service.tensors import Elements, Tensors, elements_of, wanted_from
from slugline import __version__, store
from slugline.documents import Document, check_document
from slugline.errors import DocumentError, FieldError, NotOffered, NotReady, OtherVersion, UnknownModel
from slugline.inference import open_inference_pb2 as pb
from slugline.model import Model

SERVICE = pb.DESCRIPTOR.services_by_name["GRPCInferenceService"]

FREE = ("ServerLive", "ServerReady", "ModelReady")
"""The methods that tell no more than health, and have no more around them."""

_NOT_CURRENT = "not the version in use; `slugline promote` makes it so"


class InferenceServicer:
    """Answers with the model it is told to use; until then inference and metadata are refused as not ready."""

    def __init__(self, settings: ServerSettings, tally: Tally, well: Health) -> None:
        self._limits = settings.limits
        self._models = settings.models
        self._well = well
        self._tally = tally
        self._tensors: Tensors | None = None

    def use(self, model: Model) -> None:
        """Answer with `model` from now on."""
        self._tensors = Tensors(Reader(model, self._tally))

    async def ServerLive(self, request: pb.ServerLiveRequest, context: Context) -> pb.ServerLiveResponse:
        """Who answers lives."""
        return pb.ServerLiveResponse(live=True)

    async def ServerReady(self, request: pb.ServerReadyRequest, context: Context) -> pb.ServerReadyResponse:
        """What health says."""
        return pb.ServerReadyResponse(ready=self._well.serving)

    async def ModelReady(self, request: pb.ModelReadyRequest, context: Context) -> pb.ModelReadyResponse:
        """Whether a model is the one in use; no model and no version is an error."""
        if self._tensors is None or not self._well.serving:
            return pb.ModelReadyResponse(ready=False)
        model = self._tensors.model
        known = request.name == model.manifest.name and request.version in ("", model.version)
        return pb.ModelReadyResponse(ready=known)

    async def ServerMetadata(self, request: pb.ServerMetadataRequest, context: Context) -> pb.ServerMetadataResponse:
        """What the server is."""
        return pb.ServerMetadataResponse(name="slugline", version=__version__, extensions=["model_repository"])

    async def ModelMetadata(self, request: pb.ModelMetadataRequest, context: Context) -> pb.ModelMetadataResponse:
        """The tensors and properties of the model in use."""
        return self._called(request.name, request.version).metadata()

    async def ModelInfer(self, request: pb.ModelInferRequest, context: Context) -> pb.ModelInferResponse:
        """The topics of many texts; where that takes long, in a thread, so that other calls are answered meanwhile."""
        tensors, waiting = self._called(request.model_name, request.model_version), Waiting(context)
        if request.ByteSize() > LONG_CHARS:
            return await in_thread(waiting, self._infer, waiting, tensors, request)
        return self._infer(waiting, tensors, request)

    async def RepositoryIndex(self, request: pb.RepositoryIndexRequest, context: Context) -> pb.RepositoryIndexResponse:
        """The version in use, and all others on disk unless only what is ready is asked for."""
        if request.repository_name:
            raise FieldError("repository_name", "names a repository; there is one, without a name: leave this empty")
        manifest = self._ready().model.manifest
        used = (manifest.name, manifest.version)
        there = {used} if request.ready else {used, *await asyncio.to_thread(store.all_versions, self._models)}
        index = pb.RepositoryIndexResponse()
        for name, version in sorted(there):
            state, reason = ("READY", "") if (name, version) == used else ("UNAVAILABLE", _NOT_CURRENT)
            index.models.add(name=name, version=version, state=state, reason=reason)
        return index

    async def RepositoryModelLoad(self, request: Any, context: Context) -> pb.RepositoryModelLoadResponse:
        """Refused: a version is loaded once it is promoted."""
        raise NotOffered("models are not loaded by call; `slugline promote` one, and the server takes it over")

    async def RepositoryModelUnload(self, request: Any, context: Context) -> pb.RepositoryModelUnloadResponse:
        """Refused: the version in use stays until another is promoted."""
        raise NotOffered("models are not unloaded by call; `slugline promote` another, and the server takes it over")

    def _ready(self) -> Tensors:
        if self._tensors is None:
            raise NotReady("the model is not loaded yet; try again shortly")
        return self._tensors

    def _called(self, name: str, version: str) -> Tensors:
        """The model in use, if it is what the caller means."""
        tensors = self._ready()
        manifest = tensors.model.manifest
        if name != manifest.name:
            raise UnknownModel(name, manifest.name)
        if version not in ("", manifest.version):
            raise OtherVersion(version, manifest.version)
        return tensors

    def _infer(self, waiting: Waiting, tensors: Tensors, request: pb.ModelInferRequest) -> pb.ModelInferResponse:
        wanted = wanted_from(request.outputs)
        contents = self._contents(elements_of(request, self._limits.max_batch_documents))
        reading = tensors.reader.read(waiting, contents)
        tensors.reader.warnings(reading)
        return tensors.answer(request.id, wanted, reading.scores, raw=bool(request.raw_input_contents))

    def _contents(self, elements: Elements) -> list[str]:
        """What the model reads of each text; a tensor has no place for errors, so that one bad text fails all."""
        contents: list[str] = []
        for index, text in enumerate(elements.texts()):
            document = Document(text)
            try:
                check_document(document, max_text_chars=self._limits.max_text_chars, needs_id=False)
            except DocumentError as error:
                count_refused(self._tally, error)
                raise FieldError(elements.path_of(index), error.problem) from None
            contents.append(document.content())
        return contents
