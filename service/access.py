"""Access: who may call, and from where."""

import hmac
from collections.abc import Iterable
from pathlib import Path

from service.rotation import Rotated
from service.settings import ServerSettings
from slugline.addresses import on_this_machine
from slugline.errors import CannotServe, Unauthenticated
from slugline.tokens import LEAST_CHARS, digest_of, token_digests

Metadata = Iterable[tuple[str, str | bytes]]


class Access:
    """Lets in calls that bring a token of the file at `path`; a token taken out of the file is refused from then on."""

    def __init__(self, path: Path) -> None:
        """Read the tokens.

        Raises:
            CannotServe: the file cannot be read, or is faulty.
        """
        self.files = Rotated("tokens", (path,), lambda contents: token_digests(path, contents[0]))

    def check(self, metadata: Metadata) -> None:
        """Make sure that a call's metadata holds `authorization: Bearer TOKEN` with a known token.

        Raises:
            Unauthenticated: it does not.
        """
        given = [value for key, value in metadata if key == "authorization"]
        if not given:
            raise Unauthenticated("no token came; send it as metadata, authorization: Bearer TOKEN")
        scheme, _, token = str(given[0]).partition(" ")
        if len(given) > 1 or scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated("not one bearer token came; send it as metadata, authorization: Bearer TOKEN")
        if not self._knows(token.strip()):
            raise Unauthenticated("the token that came is not known, or no longer; ask who runs the server for another")

    def _knows(self, token: str) -> bool:
        digest = digest_of(token)
        # Every digest is compared to its end, so that time tells neither which one matched nor how nearly.
        matches = sum(hmac.compare_digest(digest, known) for known in self.files.value)
        return matches > 0 and len(token) >= LEAST_CHARS


def check_exposure(settings: ServerSettings) -> None:
    """Make sure that no text and no token crosses a network in the clear unless that was asked for.

    Raises:
        CannotServe: it would.
    """
    security = settings.security
    if on_this_machine(settings.address) or security.tls_cert:
        return
    if security.tokens:
        raise CannotServe(
            f"tokens would cross the network unencrypted to {settings.address}; give --tls-cert and --tls-key, "
            "or listen on 127.0.0.1"
        )
    if not security.insecure:
        raise CannotServe(
            f"{settings.address} can be reached from other machines, and calls would cross the network unencrypted; "
            "give --tls-cert and --tls-key, listen on 127.0.0.1, or say --insecure where the network is safe"
        )
