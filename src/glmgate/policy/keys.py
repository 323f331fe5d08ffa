"""Keys: what they are, how their secrets are derived from the master key, and what becomes of them.

Pure values and decisions; where keys are kept is `interfaces.KeyStore`, who sent which credential is `credentials`.
"""

from __future__ import annotations

import hmac
import string
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final, Literal

from glmgate.errors import InvalidRequest, SettingsError
from glmgate.policy.organisation import DEFAULT, checked_name
from glmgate.wire.terms import NO_TERMS, Scope, Terms

State = Literal["live", "expired", "revoked", "archived"]
Kind = Literal["user", "service", "admin"]

_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
# 32 bytes need 43 digits of base 62. All secrets have that length: pyjwt (2.10 and later) warns below 32.
_SECRET_DIGITS: Final = 43
_MASTER_LENGTH: Final = 32
# Longer times are no dates on every platform, and infinite ones no JSON.
_LONGEST_S: Final = 36_500 * 86_400.0


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The one secret that all keys' secrets are derived from. Who has it can make every key: it is never shown."""

    secret: bytes = field(repr=False)

    @classmethod
    def from_text(cls, text: str) -> MasterKey:
        """The master key written as `text` (blanks around it do not count). SettingsError when it is too short."""
        stripped = text.strip()
        if len(stripped) < _MASTER_LENGTH:
            raise SettingsError(
                f"The master key has {len(stripped)} characters, it needs {_MASTER_LENGTH} or more: "
                "make one with `openssl rand -hex 32`."
            )
        return cls(stripped.encode())

    def derive(self, key_id: str, generation: int) -> str:
        """The secret of a key in one generation: base62(HMAC-SHA256(master key, id and generation)), 43 characters.

        Nothing secret is stored for a key, yet JWTs signed with its secret can be checked (contract 1.3).
        """
        return _base62(self._mac(f"key\0{key_id}\0{generation}"))

    @property
    def fingerprint(self) -> str:
        """Tells one master key from another without giving it away; it is kept in the database."""
        return self._mac("fingerprint").hex()[:32]

    def _mac(self, message: str) -> bytes:
        return hmac.digest(self.secret, message.encode(), sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A credential that we issued: `<id>.<secret>`. Times are Unix seconds; None: never.

    `previous_until`: until then the secret of the generation before is good as well, so that a rotation can overlap.
    `kind`: whose it is. An `admin` key opens the administration and answers no model's request; a `service` key belongs
    to the service account `owner`. `above` are the terms of its organisation and project, and `closed_at` is when the
    project was archived, both as they were when the key was looked up; they are no part of it.
    """

    id: str
    name: str
    created_at: float
    organisation: str = DEFAULT
    project: str = DEFAULT
    generation: int = 1
    previous_until: float | None = None
    expires_at: float | None = None
    revoked_at: float | None = None
    kind: Kind = "user"
    owner: str | None = None
    terms: Terms = NO_TERMS
    above: tuple[Scope, ...] = field(default=(), compare=False)
    closed_at: float | None = field(default=None, compare=False)

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The terms that hold for who uses it, the widest first."""
        return (*self.above, Scope("key", self.id, self.terms))

    def state(self, now: float) -> State:
        """Whether the key is good at the time `now`."""
        if self.revoked_at is not None:
            return "revoked"
        if self.closed_at is not None:
            return "archived"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "live"

    def takes_previous(self, now: float) -> bool:
        """True while the secret of the generation before is good as well."""
        return self.previous_until is not None and now < self.previous_until

    def text(self, master: MasterKey) -> str:
        """The key as clients send it. It is a secret: show it to who asks for it, never to a log."""
        return f"{self.id}.{master.derive(self.id, self.generation)}"


def new_key(key_id: str, name: str, *, now: float, expires_at: float | None = None) -> Key:
    """A key of the default organisation and project. InvalidRequest when its name or its end makes no sense."""
    return Key(
        id=key_id, name=checked_name(name, "A key's"), created_at=now, expires_at=checked_end(expires_at, now=now)
    )


def checked_end(expires_at: float | None, *, now: float) -> float | None:
    """When a key ends. InvalidRequest when that is in the past or no date."""
    if expires_at is not None and expires_at <= now:
        raise InvalidRequest(f"The key would expire in the past: {expires_at!r}.", param="expires_at")
    if expires_at is not None and not expires_at - now <= _LONGEST_S:  # NaN is not either
        raise InvalidRequest(
            f"The key would expire in {expires_at - now!r} s: 36500 days are the most.", param="expires_at"
        )
    return expires_at


def rotated(key: Key, *, now: float, overlap_s: float = 0.0) -> Key:
    """`key` with a new secret; the secret before it stays good for `overlap_s` seconds.

    InvalidRequest when the key is no longer live: rotation must not bring a revoked key back.
    """
    state = key.state(now)
    if state != "live":
        raise InvalidRequest(f"Key {key.id!r} is {state} and cannot be rotated: create a new one.", param="id")
    if not 0 <= overlap_s <= _LONGEST_S:
        raise InvalidRequest(f"An overlap of {overlap_s!r} seconds makes no sense.", param="overlap")
    return replace(key, generation=key.generation + 1, previous_until=now + overlap_s if overlap_s else None)


def revoked(key: Key, *, now: float) -> Key:
    """`key`, refused from now on. A key that was revoked before keeps its date."""
    return key if key.revoked_at is not None else replace(key, revoked_at=now)


def _base62(raw: bytes) -> str:
    number = int.from_bytes(raw, "big")
    digits = []
    for _ in range(_SECRET_DIGITS):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
