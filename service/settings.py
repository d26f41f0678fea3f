"""What the server can be told."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from service.logs import LogFormat
from slugline.documents import DEFAULT_MAX_TEXT_CHARS
from slugline.names import DEFAULT_ADDRESS, DEFAULT_MODELS, DEFAULT_NAME, ScorerName


@dataclass(frozen=True, slots=True)
class Limits:
    """What requests are held to; `GetModel` publishes them.

    `max_text_chars` counts title and text together; `max_message_bytes` is of one request message. `max_concurrent` and
    `max_streams` are calls under way at the same time in one process: those with one request, and streams.
    `max_stream_rate` is documents a second of one stream, 0 for as many as come.
    """

    max_text_chars: int = DEFAULT_MAX_TEXT_CHARS
    max_batch_documents: int = 1024
    max_message_bytes: int = 16 * 1024 * 1024
    max_evidence_terms: int = 100
    max_concurrent: int = 32
    max_streams: int = 256
    max_stream_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Security:
    """Who may call, and whether others can listen: paths of PEM files and of the file of bearer tokens.

    With `tls_client_ca` only clients with a certificate of one of its authorities are let in. `insecure` lets the
    server listen where other machines can reach it without TLS.
    """

    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    tokens: Path | None = None
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where to listen, what to serve, and how to stop.

    `health_address` is a port of its own for health alone, without TLS and tokens; empty for none.
    `grace_seconds` is how long accepted calls may take to finish after SIGTERM before they are cut off.
    `reload_seconds` is how often to look for a new current version, and for certificates and tokens that have changed,
    0 for only when asked by SIGHUP. `workers` is how many processes share the port; `shared_port` is set in each.
    `connection_seconds` is the age at which a connection is closed once its calls are done, 0 for never.
    `metrics_address` is where Prometheus finds metrics, and `trace_endpoint` where spans are sent; empty for neither.
    `trusted_keys` is a PEM file of public keys or a folder of such files; where it is set, only models signed by one of
    them are served. `models_url` is the object storage that `models` is a copy of, empty where it is none.
    """

    address: str = DEFAULT_ADDRESS
    models: Path = Path(DEFAULT_MODELS)
    name: str = DEFAULT_NAME
    limits: Limits = Limits()
    grace_seconds: float = 20.0
    reload_seconds: float = 1.0
    reflection: bool = True
    scorer: ScorerName = "compiled"
    workers: int = 1
    shared_port: bool = False
    connection_seconds: float = 300.0
    metrics_address: str = ""
    trace_endpoint: str = ""
    log_format: LogFormat = "human"
    log_level: str = "info"
    security: Security = Security()
    health_address: str = ""
    trusted_keys: Path | None = None
    models_url: str = ""


def settings_to_json(settings: ServerSettings) -> bytes:
    """The settings on one line, for another process."""
    return msgspec.json.encode(settings, enc_hook=str) + b"\n"


def settings_from_json(line: bytes) -> ServerSettings:
    """The settings that `settings_to_json` wrote."""
    return msgspec.json.decode(line, type=ServerSettings, dec_hook=lambda kind, value: kind(value))
