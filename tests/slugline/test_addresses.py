import pytest

from slugline.addresses import on_this_machine


@pytest.mark.parametrize(
    "address", ["localhost:1", "127.0.0.1:1", "127.9.8.7:1", "[::1]:1", "unix:/run/slugline", "unix-abstract:slugline"]
)
def test_nothing_leaves_the_machine(address: str) -> None:
    assert on_this_machine(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0:1",
        "[::]:1",
        "10.0.0.1:1",
        "example.org:1",
        "localhost.example.org:1",
        "unixhost:1",
        ":1",
        "",
        "127.1:1",
    ],
)
def test_others_may_listen(address: str) -> None:
    assert not on_this_machine(address)
