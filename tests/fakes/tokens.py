"""JWTs as the GLM SDKs sign them, and as nobody should accept them."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256

import msgspec

SDK_HEADER: Mapping[str, object] = {"alg": "HS256", "sign_type": "SIGN"}


def sdk_token(key: str, *, now: float, life_s: float = 210.0) -> str:
    """What zai-sdk sends with `disable_token_cache=False`: milliseconds, 210 s of life (contract 1.1)."""
    key_id, secret = key.split(".")
    now_ms = round(now * 1000)
    payload = {"api_key": key_id, "exp": now_ms + round(life_s * 1000), "timestamp": now_ms}
    return signed(SDK_HEADER, payload, secret)


def signed(header: object, payload: object, secret: str) -> str:
    """A token of these parts, signed with `secret` whatever its header says."""
    signing_input = f"{encoded(header)}.{encoded(payload)}"
    return f"{signing_input}.{_base64url(hmac.digest(secret.encode(), signing_input.encode(), sha256))}"


def encoded(part: object) -> str:
    """One part of a token: base64url of its JSON, without padding (RFC 7515)."""
    return _base64url(msgspec.json.encode(part))


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
