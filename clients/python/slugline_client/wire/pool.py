"""The pool that the messages of this package are registered in.

protobuf's default pool takes one definition of each message for a whole process. A pool of our own lets this client
live beside other stubs of the same API, of whatever age: those of a Slugline that is installed here too, or a caller's.
"""

from google.protobuf import any_pb2, descriptor_pool, duration_pb2, timestamp_pb2

_POOL = descriptor_pool.DescriptorPool()
for _file in (any_pb2, duration_pb2, timestamp_pb2):
    _POOL.AddSerializedFile(_file.DESCRIPTOR.serialized_pb)


def Default() -> descriptor_pool.DescriptorPool:  # noqa: N802
    """The pool; generated code asks for it by this name."""
    return _POOL
