"""How to reach a server: TLS, token, retries and health, as gRPC's channel takes them."""

import ipaddress
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc

from slugline_client.errors import CallError, Overloaded, Unavailable

SERVICE = "slugline.v1.ClassificationService"
MAX_ATTEMPTS = 5
"""gRPC takes no more attempts of a call than this, whatever it is told."""

_RETRY_BUFFER_BYTES = 16 * 2**20
"""gRPC retries only calls that fit into its buffer. The default of 256 KiB is less than a batch of long articles."""

_PAUSE_SECONDS = 0.5

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")

Token = str | Callable[[], str]
"""A bearer token, or what gives the one to use now: it is asked before each call, so that tokens can be exchanged."""

ChannelOptions = list[tuple[str, str | int]]
Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, repr=False)
class Tls:
    """TLS to the server. All in PEM.

    `ca` are the authorities to trust, None for the public ones. `cert` and `key` show who is calling, where TLS is
    mutual. `server_name` is the name in the server's certificate, where it is called by another.
    """

    ca: bytes | None = None
    cert: bytes | None = None
    key: bytes | None = None
    server_name: str = ""

    def __post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            raise ValueError("mutual TLS needs a certificate and its key; give both `cert` and `key`")

    @classmethod
    def from_files(
        cls,
        ca: str | Path | None = None,
        cert: str | Path | None = None,
        key: str | Path | None = None,
        server_name: str = "",
    ) -> "Tls":
        """TLS with what is in these files."""
        return cls(_content(ca), _content(cert), _content(key), server_name)


def _content(path: str | Path | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()


@dataclass(frozen=True, slots=True, repr=False)
class Connection:
    """An address, how to be let in there, and how often to try.

    Raises:
        ValueError: a token would cross a network in the clear, or `attempts` or `timeout` are out of range.
    """

    address: str
    tls: Tls | None = None
    token: Token = ""
    timeout: float = 10.0
    attempts: int = MAX_ATTEMPTS

    def __post_init__(self) -> None:
        if not 1 <= self.attempts <= MAX_ATTEMPTS:
            raise ValueError(f"attempts must be 1 to {MAX_ATTEMPTS}, which is as many as gRPC makes")
        if not self.timeout > 0:
            raise ValueError("timeout must be more than 0 seconds")
        if self.token and self.tls is None and not stays_here(self.address):
            raise ValueError(f"the token would go to {self.address} unencrypted; give `tls`")

    def credentials(self) -> grpc.ChannelCredentials | None:
        """What TLS needs; None in the clear."""
        if self.tls is None:
            return None
        return grpc.ssl_channel_credentials(self.tls.ca, self.tls.key, self.tls.cert)

    def options(self) -> ChannelOptions:
        """The options of the channel."""
        options: ChannelOptions = [
            ("grpc.service_config", self.service_config()),
            ("grpc.per_rpc_retry_buffer_size", _RETRY_BUFFER_BYTES),
            ("grpc.max_receive_message_length", -1),
            # A server that is started again is found within a second rather than within two minutes.
            ("grpc.initial_reconnect_backoff_ms", 250),
            ("grpc.max_reconnect_backoff_ms", 1000),
        ]
        if self.tls is not None and self.tls.server_name:
            options.append(("grpc.ssl_target_name_override", self.tls.server_name))
        return options

    def service_config(self) -> str:
        """The service config: turns among healthy servers, and retries; see gRPC's proposals A6 and A17.

        Where the server sends `grpc-retry-pushback-ms`, it overrules the backoff.
        """
        method: dict[str, object] = {"name": [{"service": SERVICE}]}
        if self.attempts > 1:
            method["retryPolicy"] = {
                "maxAttempts": self.attempts,
                "initialBackoff": "0.25s",
                "maxBackoff": "5s",
                "backoffMultiplier": 2.5,
                "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
            }
        return json.dumps(
            {
                "loadBalancingConfig": [{"round_robin": {}}],
                "healthCheckConfig": {"serviceName": SERVICE},
                "methodConfig": [method],
            }
        )

    def pause_after(self, error: CallError, end: float) -> float | None:
        """How many seconds to wait before a batch is sent again that failed on all of gRPC's attempts; None not to.

        gRPC gives up after five attempts, a few seconds. That is too soon to drop a run over many documents for a
        server that is started again; so a batch has until `end`, its deadline on the clock of time.monotonic().
        """
        if self.attempts == 1 or not isinstance(error, Unavailable | Overloaded):
            return None
        pause = error.retry_seconds
        if pause is None and isinstance(error, Unavailable):
            pause = _PAUSE_SECONDS
        return pause if pause is not None and time.monotonic() + pause < end else None

    def metadata(self) -> Metadata:
        """What goes with each call: the token, if any.

        Raises:
            ValueError: it is not a bearer token.
        """
        token = self.token() if callable(self.token) else self.token
        if not token:
            return ()
        if not _TOKEN.fullmatch(token):
            raise ValueError("the token has characters that no bearer token has; is there a line break at its end?")
        return (("authorization", f"Bearer {token}"),)


def stays_here(address: str) -> bool:
    """Whether nothing sent to `address` leaves the machine: a Unix socket, or loopback addresses alone."""
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    hosts = re.sub(r"^(dns:(///)?|ipv[46]:)", "", address).split(",")
    return all(_is_loopback(host) for host in hosts)


def _is_loopback(host_and_port: str) -> bool:
    host = host_and_port.rpartition(":")[0].removeprefix("[").removesuffix("]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
