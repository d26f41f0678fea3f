import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.reading import Reader
from service.tally import Tally
from service.tensors import OUTPUTS, Elements, Tensors, elements_of, packed, unpacked, wanted_from
from slugline.errors import FieldError
from slugline.inference import open_inference_pb2 as pb
from slugline.model import Model

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=8)
BYTES = st.lists(st.binary(max_size=40), min_size=1, max_size=8)
SCORES = st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=5)

Input = pb.ModelInferRequest.InferInputTensor
Output = pb.ModelInferRequest.InferRequestedOutputTensor


def request_of(values: list[bytes], *, raw: bool, column: bool = False) -> pb.ModelInferRequest:
    tensor = Input(name="text", datatype="BYTES", shape=[len(values), 1] if column else [len(values)])
    if raw:
        return pb.ModelInferRequest(inputs=[tensor], raw_input_contents=[packed(values)])
    tensor.contents.bytes_contents.extend(values)
    return pb.ModelInferRequest(inputs=[tensor])


def problem_of(request: pb.ModelInferRequest, most: int = 8) -> str:
    with pytest.raises(FieldError) as caught:
        elements_of(request, most).texts()
    return f"{caught.value.field}: {caught.value}"


@given(texts=TEXTS, raw=st.booleans(), column=st.booleans())
def test_texts_survive_the_wire_typed_and_raw(texts: list[str], raw: bool, column: bool) -> None:
    sent = request_of([text.encode() for text in texts], raw=raw, column=column)
    assert elements_of(pb.ModelInferRequest.FromString(sent.SerializeToString()), 8).texts() == texts


@given(values=BYTES)
def test_packed_elements_come_back_whatever_their_bytes(values: list[bytes]) -> None:
    assert unpacked(packed(values), len(values), "x") == values


@given(values=BYTES, data=st.data())
def test_truncated_bytes_are_never_taken(values: list[bytes], data: st.DataObject) -> None:
    whole = packed(values)
    part = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(FieldError, match=r"ends before|is cut off") as caught:
        unpacked(part, len(values), "x")
    # The first element that is not whole is the one that is named.
    whole_ones = sum(len(packed(values[: end + 1])) <= len(part) for end in range(len(values)))
    assert f"{caught.value.field} {caught.value}".startswith(
        (f"x[{whole_ones}] is cut off", f"x ends before the length of element {whole_ones},")
    )


@given(values=BYTES, more=st.binary(min_size=1))
def test_trailing_bytes_are_never_taken(values: list[bytes], more: bytes) -> None:
    with pytest.raises(FieldError, match=f"has {len(more)} bytes after the last of the {len(values)} elements"):
        unpacked(packed(values) + more, len(values), "x")


@given(raw=st.binary(), count=st.integers(1, 10))
def test_any_bytes_are_elements_or_a_fault(raw: bytes, count: int) -> None:
    try:
        values = unpacked(raw, count, "x")
    except FieldError:
        return
    assert packed(values) == raw


@given(values=BYTES, count=st.integers(1, 8), raw=st.booleans())
def test_a_count_that_is_not_the_shapes_is_never_taken(values: list[bytes], count: int, raw: bool) -> None:
    sent = request_of(values, raw=raw)
    sent.inputs[0].shape[0] = count
    if count == len(values):
        assert list(elements_of(sent, 8).values) == values
    else:
        with pytest.raises(FieldError, match=f"{count}|is cut off"):
            elements_of(sent, 8)


@given(values=BYTES, raw=st.booleans())
def test_the_element_that_is_not_utf_8_is_named(values: list[bytes], raw: bool) -> None:
    sent = request_of([*values[:-1], b"ok \xff"], raw=raw)
    first = next(index for index, value in enumerate([*values[:-1], b"\xff"]) if not is_utf_8(value))
    path = "raw_input_contents[0]" if raw else "inputs[0].contents"
    assert problem_of(sent).startswith(f"{path}[{first}]: is not UTF-8")


def is_utf_8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("shape", [[], [1, 2], [2, 1, 1], [-1], [1, 1, 1], [0, 0]])
def test_other_shapes_are_refused(shape: list[int]) -> None:
    sent = request_of([b"x"], raw=False)
    sent.inputs[0].shape[:] = shape
    assert problem_of(sent).startswith("inputs[0].shape: is ")


def test_a_huge_shape_is_refused_before_anything_is_counted() -> None:
    sent = request_of([b"x"], raw=True)
    sent.inputs[0].shape[:] = [2**62]
    assert "at most 8 are taken" in problem_of(sent)


def test_shared_memory_is_refused_as_such() -> None:
    sent = pb.ModelInferRequest(inputs=[Input(name="text", datatype="BYTES", shape=[1])])
    sent.inputs[0].parameters["shared_memory_region"].string_param = "r"
    assert problem_of(sent).startswith("inputs[0].parameters: 'shared_memory_region' is not offered")


def test_hints_are_ignored() -> None:
    sent = request_of([b"x"], raw=True)
    sent.inputs[0].parameters["binary_data_size"].int64_param = 5
    assert Elements("raw_input_contents[0]", [b"x"]) == elements_of(sent, 8)


def test_outputs_come_in_the_order_they_are_asked_for() -> None:
    assert wanted_from([]) == ["scores", "topics", "assigned"]
    assert wanted_from([Output(name="topics"), Output(name="scores")]) == ["topics", "scores"]


@given(rows=SCORES, raw=st.booleans())
def test_scores_are_the_same_number_in_32_bits(model: Model, rows: list[list[float]], raw: bool) -> None:
    scores = np.array(rows)
    answer = Tensors(Reader(model, Tally())).answer("id", list(OUTPUTS), scores, raw=raw)
    answer = pb.ModelInferResponse.FromString(answer.SerializeToString())
    by_name = dict(zip((output.name for output in answer.outputs), range(3), strict=True))
    if raw:
        found = np.frombuffer(answer.raw_output_contents[by_name["scores"]], "<f4")
        assigned = np.frombuffer(answer.raw_output_contents[by_name["assigned"]], np.bool_)
        topics = unpacked(answer.raw_output_contents[by_name["topics"]], 3, "x")
        assert not any(output.HasField("contents") for output in answer.outputs)
    else:
        found = np.array(answer.outputs[by_name["scores"]].contents.fp32_contents, dtype=np.float32)
        assigned = np.array(answer.outputs[by_name["assigned"]].contents.bool_contents)
        topics = list(answer.outputs[by_name["topics"]].contents.bytes_contents)
        assert not answer.raw_output_contents
    assert found.tolist() == scores.astype(np.float32).ravel().tolist()
    # What is assigned is decided before the score is rounded.
    assert assigned.tolist() == (scores >= model.thresholds).ravel().tolist()
    assert [topic.decode() for topic in topics] == list(model.topics)
    assert [list(output.shape) for output in answer.outputs] == [[len(rows), 3], [3], [len(rows), 3]]


def test_answers_do_not_share_anything(model: Model) -> None:
    tensors = Tensors(Reader(model, Tally()))
    one = tensors.answer("a", ["scores"], np.zeros((1, 3)), raw=False)
    one.parameters["topics"].string_param = "changed"
    other = tensors.answer("b", ["topics"], np.zeros((1, 3)), raw=True)
    assert (other.id, [output.name for output in other.outputs]) == ("b", ["topics"])
    assert "changed" not in other.parameters["topics"].string_param
