"""Addresses: whether what is sent to one can be overheard."""

import ipaddress

UNIX_SOCKETS = ("unix:", "unix-abstract:")
"""How an address begins that is no HOST:PORT but a socket of this machine."""


def on_this_machine(address: str) -> bool:
    """Whether HOST:PORT is a loopback address or a Unix socket, so that nothing sent there leaves the machine.

    Names other than `localhost` are not looked up: what they mean may change between the question and the use.
    """
    if address.startswith(UNIX_SOCKETS):
        return True
    host = address.rpartition(":")[0].removeprefix("[").removesuffix("]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
