"""How peers' certificates are checked: always, against the system's authorities and those of a file.

There is no switch that turns the check off, on purpose: a file with the peer's own authority is as little work.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from glmgate.errors import SettingsError


def context(authorities: Path | None = None) -> ssl.SSLContext:
    """What TLS connections are made with; `authorities` is a PEM file of further ones that are trusted.

    Raises SettingsError when the file cannot be used. OpenSSL itself reads SSL_CERT_FILE and SSL_CERT_DIR.
    """
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if authorities is not None:
        try:
            made.load_verify_locations(cafile=authorities)
        except (OSError, ssl.SSLError) as exc:
            raise SettingsError(f"{str(authorities)!r} is no PEM file of certificates: {exc}.") from exc
    return made
