"""What the server can be told."""

from dataclasses import dataclass
from pathlib import Path

from slugline.documents import DEFAULT_MAX_TEXT_CHARS
from slugline.names import DEFAULT_ADDRESS, DEFAULT_MODELS, DEFAULT_NAME


@dataclass(frozen=True, slots=True)
class Limits:
    """What requests are held to; `GetModel` publishes them.

    `max_text_chars` counts title and text together; `max_message_bytes` is of one request message.
    """

    max_text_chars: int = DEFAULT_MAX_TEXT_CHARS
    max_batch_documents: int = 1024
    max_message_bytes: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where to listen, what to serve, and how to stop.

    `grace_seconds` is how long accepted calls may take to finish after SIGTERM before they are cut off.
    """

    address: str = DEFAULT_ADDRESS
    models: Path = Path(DEFAULT_MODELS)
    name: str = DEFAULT_NAME
    limits: Limits = Limits()
    grace_seconds: float = 20.0
    reflection: bool = True
