"""A certificate authority of the tests' own, and what a peer and its client need of it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Authority:
    """`file` is what a client trusts; `server` is what a peer of the name speaks TLS with."""

    file: Path
    server: ssl.SSLContext


def authority(folder: Path, *names: str) -> Authority:
    """A new authority that has signed a certificate for `names`."""
    made = trustme.CA()
    file = folder / "authority.pem"
    made.cert_pem.write_to_path(str(file))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.issue_cert(*names).configure_cert(server)
    return Authority(file, server)
