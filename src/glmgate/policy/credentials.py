"""Credentials: what a client sent to say who it is, and whether that is true.

Pure: the key that a credential names is looked up elsewhere, and the time is passed in.
"""

from __future__ import annotations

import binascii
import hmac
import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, TypeVar

import msgspec
from typing_extensions import override

from glmgate.errors import AuthenticationFailed
from glmgate.policy.keys import Key, MasterKey, State

# Contract 3.5, row 1000-1004. 1000 is the generic one and never needed here.
NO_HEADER: Final = "1001"
BAD_TOKEN: Final = "1002"  # noqa: S105 -- an error code
EXPIRED: Final = "1003"
FAILED: Final = "1004"

# A day. The official SDKs sign for 210 s (contract 1.1), ChatZhipuAI for 60 s; a longer life is a mistake of units.
MAX_TOKEN_LIFE_MS: Final = 24 * 3600 * 1000
# Clients' clocks are wrong by seconds; a token of 60 s must not be refused for that.
CLOCK_SKEW_MS: Final = 60 * 1000
# The longest token of an official SDK has 240 characters.
_MAX_LENGTH: Final = 4096
_ENDED: Final[Mapping[State, tuple[str, str]]] = {
    "revoked": ("was revoked", FAILED),
    "archived": ("belongs to a project that is archived", FAILED),
    "expired": ("has expired", EXPIRED),
}
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SECRET: Final = re.compile(r"[!-~]{1,256}")
# What nearly every request has, read at one go.
_USUAL: Final = re.compile(r"Bearer ([A-Za-z0-9_-]{1,64})\.([!-,\-/-~]{1,256})")

_T = TypeVar("_T", bound=msgspec.Struct)


class RawKey(msgspec.Struct, frozen=True):
    """The key itself: `<id>.<secret>`, in ASCII."""

    key_id: str
    secret: str

    def proves(self, secret: str) -> bool:
        """True when the sender knows `secret`; takes the same time when not."""
        return hmac.compare_digest(self.secret, secret)

    @override
    def __repr__(self) -> str:
        return f"RawKey(key_id={self.key_id!r})"


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A JWT as the GLM SDKs make it: signed with the key's secret, times in milliseconds (contract 1.3)."""

    key_id: str
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    expires_ms: float
    issued_ms: float

    def proves(self, secret: str) -> bool:
        """True when the token was signed with `secret`; takes the same time when not."""
        return hmac.compare_digest(self.signature, hmac.digest(secret.encode(), self.signed, sha256))


Credential = RawKey | SignedToken


class _Header(msgspec.Struct):
    alg: str
    sign_type: str


class _Payload(msgspec.Struct):
    api_key: str
    exp: float
    timestamp: float


def parse(authorization: str | None) -> Credential:
    """What an `Authorization` header says, in any form of contract 1.3. AuthenticationFailed 1001 or 1002 when nothing.

    The forms: `Bearer <id>.<secret>`, `Bearer <jwt>`, and both without `Bearer` (LangChain sends bare JWTs). The
    word's case does not matter (RFC 9110, 11.1), nor do blanks around.
    """
    usual = _USUAL.fullmatch(authorization or "")
    return _in_any_form((authorization or "").split()) if usual is None else RawKey(*usual.groups())


def _in_any_form(words: Sequence[str]) -> Credential:
    if words and words[0].lower() == "bearer":
        words = words[1:]
    if not words:
        raise AuthenticationFailed(
            "No key was sent: put `Authorization: Bearer <id>.<secret>` into the request, or give your SDK an api_key.",
            zai_code=NO_HEADER,
        )
    if len(words) > 1 or len(words[0]) > _MAX_LENGTH or not words[0].isascii():
        raise _malformed("it is neither a key nor a token")
    parts = words[0].split(".")
    if len(parts) == 2:
        return _raw_key(parts[0], parts[1])
    if len(parts) == 3:
        return _token(parts)
    raise _malformed(f"it has {len(parts) - 1} dots, a key has one and a token two")


def judge(credential: Credential, key: Key | None, *, secrets: Sequence[str], now: float) -> Key:
    """The key that `credential` stands for at the time `now` (Unix seconds). AuthenticationFailed 1003 or 1004 if none.

    `secrets` are those of `secrets_of`. What is wrong with a key or token is told only to who knows its secret; an
    unknown key and a wrong secret give the same answer after the same work.
    """
    current, previous = [credential.proves(secret) for secret in secrets]
    proven = current or (previous and key is not None and key.takes_previous(now))
    if key is None or not proven:
        raise AuthenticationFailed("This key is not known here, or its secret is wrong.", zai_code=FAILED)
    state = key.state(now)
    if state != "live":
        why, code = _ENDED[state]
        raise AuthenticationFailed(f"Key {key.id!r} {why}.", zai_code=code)
    if isinstance(credential, SignedToken):
        _check_times(credential, now * 1000)
    return key


def secrets_of(key_id: str, key: Key | None, master: MasterKey) -> tuple[str, str]:
    """The secrets of the key's generation and of the one before; for an unknown key as many, that nobody knows."""
    generation = 0 if key is None else key.generation
    return master.derive(key_id, generation), master.derive(key_id, generation - 1)


def _check_times(token: SignedToken, now_ms: float) -> None:
    if token.expires_ms + CLOCK_SKEW_MS < now_ms:
        raise AuthenticationFailed(
            f"The token expired {(now_ms - token.expires_ms) / 1000:.0f} s ago (exp is in milliseconds).",
            zai_code=EXPIRED,
        )
    if token.issued_ms - CLOCK_SKEW_MS > now_ms:
        raise AuthenticationFailed(
            f"The token was signed {(token.issued_ms - now_ms) / 1000:.0f} s in the future: set the client's clock.",
            zai_code=FAILED,
        )


def _raw_key(key_id: str, secret: str) -> RawKey:
    if not _ID.fullmatch(key_id) or not _SECRET.fullmatch(secret):
        raise _malformed("a key has the form <id>.<secret>")
    return RawKey(key_id, secret)


def _token(parts: Sequence[str]) -> SignedToken:
    header, payload = _part(parts[0], _Header), _part(parts[1], _Payload)
    # Algorithms are a list of one: `none` and RS* have been the way around signatures (RFC 8725, 2.1 and 3.1).
    if header.alg != "HS256" or header.sign_type != "SIGN":
        raise _malformed(
            f"its header says alg {header.alg[:20]!r} and sign_type {header.sign_type[:20]!r}, not 'HS256' and 'SIGN'"
        )
    if not _ID.fullmatch(payload.api_key):
        raise _malformed("its api_key is not the id of a key (the part before the dot)")
    if not 0 <= payload.exp - payload.timestamp <= MAX_TOKEN_LIFE_MS:
        raise _malformed("exp must lie 0 to 24 hours after timestamp, both in milliseconds")
    signed = f"{parts[0]}.{parts[1]}".encode()
    return SignedToken(payload.api_key, signed, _decoded(parts[2]), payload.exp, payload.timestamp)


def _part(text: str, into: type[_T]) -> _T:
    try:
        return msgspec.json.decode(_decoded(text), type=into)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise _malformed("its parts are not the JSON of a GLM token (alg, sign_type; api_key, exp, timestamp)") from exc


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as exc:
        raise _malformed("its parts are not base64url") from exc


def _malformed(why: str) -> AuthenticationFailed:
    return AuthenticationFailed(f"The credential cannot be read: {why}.", zai_code=BAD_TOKEN)
