"""A test authority and the certificates a relay shows: right, for another name, expired."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme


class Authority:
    """A certificate authority that only these tests trust."""

    def __init__(self) -> None:
        self._authority = trustme.CA()

    def write(self, path: Path) -> Path:
        """Write the authority's certificate, for `ca_file`."""
        self._authority.cert_pem.write_to_path(str(path))
        return path

    def pem(self, *names: str, kind: trustme.KeyType = trustme.KeyType.ECDSA) -> str:
        """Return a private key and its certificate for these names, for a server of another kind."""
        certificate = self._authority.issue_cert(*(names or ("localhost", "127.0.0.1")), key_type=kind)
        return certificate.private_key_and_cert_chain_pem.bytes().decode()

    def context(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        """Return a server's TLS context for these names (default: localhost and 127.0.0.1)."""
        until = datetime.now(UTC) - timedelta(days=1) if expired else None
        certificate = self._authority.issue_cert(*(names or ("localhost", "127.0.0.1")), not_after=until)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context
