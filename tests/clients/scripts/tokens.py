"""JSON Web Tokens as GLM's clients sign them (contract 1.3), and the wrong ones that a server must refuse.

Written by hand over hmac: the point is to make what no library would.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

HOUR_MS = 3_600_000


def token(
    key: str,
    *,
    lives_ms: int = HOUR_MS,
    algorithm: str = "HS256",
    sign_type: str = "SIGN",
    secret: str | None = None,
) -> str:
    """A token for `key`, of the form that GLM's clients make; each argument spoils one thing."""
    key_id, _, own_secret = key.partition(".")
    now = int(time.time() * 1000)
    head = _part({"alg": algorithm, "sign_type": sign_type})
    # A token that has expired was signed before it did.
    began = now if lives_ms > 0 else now + lives_ms - HOUR_MS
    body = _part({"api_key": key_id, "exp": now + lives_ms, "timestamp": began})
    if algorithm == "none":
        return f"{head}.{body}."
    signed = f"{head}.{body}".encode()
    signature = hmac.new((own_secret if secret is None else secret).encode(), signed, hashlib.sha256).digest()
    return f"{head}.{body}.{_text(signature)}"


def _part(value: dict[str, Any]) -> str:
    return _text(json.dumps(value).encode())


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
