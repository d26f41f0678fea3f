"""The messages of the Python client: made from protos/, and apart from any other definition of them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent.parent
PACKAGE = ROOT / "clients" / "python"
WIRE = PACKAGE / "slugline_client" / "wire"


def test_the_messages_are_what_the_protos_say(tmp_path: Path) -> None:
    sources = ["slugline_client/wire/classification.proto", "slugline_client/wire/status.proto"]
    paths = [f"--proto_path=slugline_client/wire={ROOT / 'protos' / 'slugline' / 'v1'}", f"--proto_path={PACKAGE}"]
    outputs = [f"--python_out={tmp_path}", f"--pyi_out={tmp_path}"]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *paths, *outputs, *sources], check=True)
    default, own = "from google.protobuf import descriptor_pool as", "from slugline_client.wire import pool as"
    fresh = {path.name: path.read_text().replace(default, own) for path in tmp_path.rglob("*.py*")}
    assert fresh == {path.name: path.read_text() for path in WIRE.glob("*_pb2.py*")}, "run `make protos`"
    assert all(own in content for name, content in fresh.items() if name.endswith(".py"))


BESIDE_OTHERS = """
from google.protobuf import descriptor_pb2, descriptor_pool

# As a caller may have it: the same file and the same names, from another year.
older = descriptor_pb2.FileDescriptorProto(name="slugline/v1/classification.proto", package="slugline.v1")
older.message_type.add(name="Document").field.add(name="body", number=1, type=9, label=1)
descriptor_pool.Default().AddSerializedFile(older.SerializeToString())

from slugline_client.wire import classification_pb2 as pb
response = pb.GetModelResponse(name="mine")
response.created.FromSeconds(5)
assert pb.GetModelResponse.FromString(response.SerializeToString()) == response
assert "body" in descriptor_pool.Default().FindMessageTypeByName("slugline.v1.Document").fields_by_name
assert "text" in pb.Document.DESCRIPTOR.fields_by_name
print("both")
"""


def test_another_version_of_the_api_in_the_process_does_no_harm() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BESIDE_OTHERS],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(PACKAGE)},
    )
    assert done.stdout == "both\n", done.stderr
