"""Converters between the tensors of the Open Inference Protocol and the domain: only shapes, no decisions.

The raw form of a tensor of BYTES is, for each element, its length as four bytes, little-endian, and its bytes.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from service.reading import Reader
from slugline.errors import EmptyBatch, FieldError, TooManyDocuments
from slugline.inference import open_inference_pb2 as pb
from slugline.scoring import Scores

TEXT = "text"
SCORES, TOPICS, ASSIGNED = "scores", "topics", "assigned"
OUTPUTS = {SCORES: "FP32", TOPICS: "BYTES", ASSIGNED: "BOOL"}
"""The tensors that go out, and their datatypes."""

PLATFORM = "slugline_tfidf"
_LENGTH = 4
_CONTENTS = {"FP32": "fp32_contents", "BYTES": "bytes_contents", "BOOL": "bool_contents"}
_ELSEWHERE = "shared_memory_region"
_OTHER_FORMS = (_ELSEWHERE, "classification")


@dataclass(frozen=True, slots=True)
class Elements:
    """The elements of a tensor of BYTES; `path` is where they stand in the request."""

    path: str
    values: Sequence[bytes]

    def path_of(self, index: int) -> str:
        """Where one element stands in the request."""
        return f"{self.path}[{index}]"

    def texts(self) -> list[str]:
        """The elements as texts.

        Raises:
            FieldError: one is not UTF-8.
        """
        return [self._text(index, value) for index, value in enumerate(self.values)]

    def _text(self, index: int, value: bytes) -> str:
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            problem = f"is not UTF-8: {error.reason} at byte {error.start}; encode the article as UTF-8"
            raise FieldError(self.path_of(index), problem) from None


def elements_of(request: pb.ModelInferRequest, most: int) -> Elements:
    """The elements of the one tensor that a request brings, at most `most`.

    Raises:
        FieldError: it brings none or others, or the tensor is not what its shape and datatype say.
    """
    tensor = _input(request.inputs)
    count = _count(tensor.shape, most)
    if not request.raw_input_contents:
        return Elements("inputs[0].contents", _typed(tensor.contents, count))
    if tensor.contents.ListFields():
        raise FieldError("raw_input_contents", "came along with inputs[0].contents; send one of the two")
    if len(request.raw_input_contents) != 1:
        raise FieldError("raw_input_contents", f"holds {len(request.raw_input_contents)} tensors for 1 input")
    path = "raw_input_contents[0]"
    return Elements(path, unpacked(request.raw_input_contents[0], count, path))


def unpacked(raw: bytes, count: int, path: str) -> list[bytes]:
    """The `count` elements that the raw form of a tensor of BYTES holds.

    Raises:
        FieldError: it holds fewer or more; says at which element of `path`.
    """
    values: list[bytes] = []
    place = 0
    while len(values) < count:
        start = place + _LENGTH
        if start > len(raw):
            problem = f"ends before the length of element {len(values)}, the shape has {count}"
            raise FieldError(path, f"{problem}; each is a length of 4 bytes, little-endian, and its bytes")
        place = start + int.from_bytes(raw[start - _LENGTH : start], "little")
        if place > len(raw):
            problem = f"is cut off: {place - start} bytes should follow its length, {len(raw) - start} do"
            raise FieldError(f"{path}[{len(values)}]", problem)
        values.append(raw[start:place])
    if place < len(raw):
        raise FieldError(path, f"has {len(raw) - place} bytes after the last of the {count} elements of the shape")
    return values


def packed(values: Iterable[bytes]) -> bytes:
    """The raw form of a tensor of BYTES."""
    return b"".join(len(value).to_bytes(_LENGTH, "little") + value for value in values)


def wanted_from(outputs: Sequence[pb.ModelInferRequest.InferRequestedOutputTensor]) -> list[str]:
    """The names of the tensors that a request asks for, in its order.

    Raises:
        FieldError: there is none of that name, or one is asked for twice or in another form.
    """
    wanted: list[str] = []
    for index, output in enumerate(outputs):
        if output.name not in OUTPUTS:
            problem = f"no output {output.name!r} in this model; it has {', '.join(OUTPUTS)}"
            raise FieldError(f"outputs[{index}].name", problem)
        if output.name in wanted:
            raise FieldError(f"outputs[{index}].name", f"{output.name!r} is asked for twice")
        for form in _OTHER_FORMS:
            if form in output.parameters:
                raise FieldError(f"outputs[{index}].parameters", f"{form!r} is not offered; take the tensor as it is")
        wanted.append(output.name)
    return wanted or list(OUTPUTS)


class Tensors:
    """The tensors of one model. What is the same in all answers is built once and copied."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.model = model = reader.model
        manifest = model.manifest
        self._topics = [topic.encode() for topic in model.topics]
        self._properties = {
            "topics": json.dumps(model.topics, ensure_ascii=False),
            "thresholds": json.dumps(model.thresholds.tolist()),
            "fingerprint": manifest.fingerprint,
            "data_digest": manifest.data_digest,
        }
        self._template = pb.ModelInferResponse(model_name=manifest.name, model_version=model.version)
        for name, value in self._properties.items():
            self._template.parameters[name].string_param = value

    def metadata(self) -> pb.ModelMetadataResponse:
        """What goes in and comes out, -1 standing for the number of texts."""
        return pb.ModelMetadataResponse(
            name=self.model.manifest.name,
            versions=[self.model.version],
            platform=PLATFORM,
            inputs=[pb.ModelMetadataResponse.TensorMetadata(name=TEXT, datatype="BYTES", shape=[-1])],
            outputs=[
                pb.ModelMetadataResponse.TensorMetadata(name=name, datatype=datatype, shape=self._shape(name, -1))
                for name, datatype in OUTPUTS.items()
            ],
            properties=self._properties,
        )

    def answer(self, request_id: str, wanted: Sequence[str], scores: Scores, *, raw: bool) -> pb.ModelInferResponse:
        """The answer for many texts; `scores` has shape (texts, topics)."""
        response = pb.ModelInferResponse()
        response.CopyFrom(self._template)
        response.id = request_id
        for name in wanted:
            datatype = OUTPUTS[name]
            tensor = response.outputs.add(name=name, datatype=datatype, shape=self._shape(name, len(scores)))
            if raw:
                response.raw_output_contents.append(self._raw(name, scores))
            else:
                getattr(tensor.contents, _CONTENTS[datatype]).extend(self._values(name, scores))
        return response

    def _shape(self, name: str, texts: int) -> list[int]:
        return [len(self._topics)] if name == TOPICS else [texts, len(self._topics)]

    def _raw(self, name: str, scores: Scores) -> bytes:
        if name == TOPICS:
            return packed(self._topics)
        return (scores.astype("<f4") if name == SCORES else scores >= self.model.thresholds).tobytes()

    def _values(self, name: str, scores: Scores) -> list[bytes] | list[float] | list[bool]:
        if name == TOPICS:
            return self._topics
        return (scores.astype(np.float32) if name == SCORES else scores >= self.model.thresholds).ravel().tolist()


def _input(inputs: Sequence[pb.ModelInferRequest.InferInputTensor]) -> pb.ModelInferRequest.InferInputTensor:
    if not inputs:
        raise FieldError("inputs", f"holds no tensor; send one, {TEXT!r}")
    for index, tensor in enumerate(inputs):
        if tensor.name != TEXT:
            raise FieldError(f"inputs[{index}].name", f"no input {tensor.name!r} in this model, only {TEXT!r}")
        if index:
            raise FieldError(f"inputs[{index}].name", f"{TEXT!r} came before; send all texts in one tensor")
    tensor = inputs[0]
    if tensor.datatype != "BYTES":
        raise FieldError("inputs[0].datatype", f"is {tensor.datatype!r}; texts are 'BYTES'")
    if _ELSEWHERE in tensor.parameters:
        raise FieldError("inputs[0].parameters", f"{_ELSEWHERE!r} is not offered; send the contents in the request")
    return tensor


def _count(shape: Sequence[int], most: int) -> int:
    """How many elements the shape [n] or [n, 1] has."""
    path, dimensions = "inputs[0].shape", list(shape)
    if len(dimensions) not in (1, 2) or dimensions[1:] not in ([], [1]) or dimensions[0] < 0:
        raise FieldError(path, f"is {dimensions}; send [n] or [n, 1] for n texts")
    count = prod(dimensions)
    if not count:
        raise FieldError(path, str(EmptyBatch()))
    if count > most:
        raise FieldError(path, str(TooManyDocuments(count, most)))
    return count


def _typed(contents: pb.InferTensorContents, count: int) -> Sequence[bytes]:
    path = "inputs[0].contents"
    for field, _ in contents.ListFields():
        if field.name != "bytes_contents":
            raise FieldError(path, f"holds {field.name}; elements of BYTES stand in bytes_contents")
    values = contents.bytes_contents
    if len(values) != count:
        raise FieldError(path, f"holds {len(values)} elements, the shape has {count}")
    return values
