"""TLS: the server's certificates, checked before they are used and replaced while it runs."""

from datetime import datetime
from pathlib import Path
from typing import Any

import grpc

from service.rotation import Rotated
from service.settings import Security
from slugline.certificates import check_authorities, check_pair
from slugline.errors import CannotServe


class Certificates:
    """The certificate and key that the server shows, and the authorities whose clients it lets in.

    Connections that are open keep what they were made with; new ones get the newest that is without fault.
    """

    def __init__(self, cert: Path, key: Path, client_ca: Path | None) -> None:
        """Read and check the files.

        Raises:
            CannotServe: one is missing, faulty, expired, or key and certificate do not belong together.
        """
        self._cert, self._key, self._client_ca = cert, key, client_ca
        self.expires: datetime
        """When the certificate that new connections are shown ends."""
        paths = (cert, key, client_ca) if client_ca else (cert, key)
        self.files = Rotated("certificates", paths, self._configuration)
        self._in_use = self.files.value

    def credentials(self) -> grpc.ServerCredentials:
        """What a port is opened with."""
        newer: Any = self._newer  # Its None for no change is unknown to the type stubs.
        return grpc.dynamic_ssl_server_credentials(self._in_use, newer, self._client_ca is not None)

    def _newer(self) -> grpc.ServerCertificateConfiguration | None:
        # gRPC asks before every handshake, under a lock of its own, and makes anew only what it is given.
        newest = self.files.value
        if newest is self._in_use:
            return None
        self._in_use = newest
        return newest

    def _configuration(self, contents: list[bytes]) -> grpc.ServerCertificateConfiguration:
        chain, key, *roots = contents
        expires = check_pair(self._cert, chain, self._key, key)
        if self._client_ca:
            check_authorities(self._client_ca, roots[0])
        self.expires = expires
        return grpc.ssl_server_certificate_configuration([(key, chain)], roots[0] if roots else None)


def certificates(security: Security) -> Certificates:
    """The certificates that `security` names.

    Raises:
        CannotServe: as Certificates, or `security` names only some of what is needed.
    """
    if not (security.tls_cert and security.tls_key):
        raise CannotServe("TLS needs a certificate and its key; give both --tls-cert and --tls-key")
    return Certificates(security.tls_cert, security.tls_key, security.tls_client_ca)
