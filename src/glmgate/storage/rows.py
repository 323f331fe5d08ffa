"""The ledger's rows as columns of the database: cut, cleaned and bounded, so that any row can be held anywhere.

Pure. What becomes of a row is decided in `ledger`.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from glmgate.policy.ledger import Ended, Owner, Reserved, Settled
from glmgate.wire.charge import Charge
from glmgate.wire.delta import Usage

DAY_S: Final = 86400
NO_CURRENCY: Final = ""

# Beyond, a number is nonsense that somebody told us; a thousand such sums still fit into 64 bits.
_MOST_TOKENS: Final = 10**12
_MOST_NANO: Final = 10**15


class Series(NamedTuple):
    """What rows have in common: the columns of the table `series` without its id."""

    organisation_id: str
    project_id: str
    key_id: str
    model: str
    asked: str
    deployment: str
    upstream: str
    credential: int
    endpoint: str
    surface: str

    @property
    def id(self) -> int:
        """A digest of 63 bits: equal for equal series, in every process; 10,000,000 of them have 5 in a million."""
        said = msgspec.json.encode(self)
        return int.from_bytes(blake2b(said, digest_size=8).digest(), "big") >> 1


def of_attempt(row: Reserved) -> Series:
    """The series of an attempt."""
    owner, place = row.owner, row.place
    return _held(
        Series(
            organisation_id=owner.organisation,
            project_id=owner.project,
            key_id=owner.key_id,
            model=place.model,
            asked=row.model,
            deployment=place.deployment,
            upstream=place.upstream,
            credential=place.credential,
            endpoint=row.endpoint,
            surface=row.surface,
        )
    )


def of_request(row: Ended) -> Series:
    """The series of a request. What it asked for is no part of it: names that nobody has are made up by callers."""
    owner = row.owner
    return _held(
        Series(
            organisation_id=owner.organisation,
            project_id=owner.project,
            key_id=owner.key_id,
            model=row.answered_by,
            asked="",
            deployment="",
            upstream="",
            credential=0,
            endpoint=row.endpoint,
            surface=row.surface,
        )
    )


@lru_cache(maxsize=10_000)
def _held(series: Series) -> Series:
    """The series as every database holds it."""
    return Series(
        organisation_id=text(series.organisation_id, 64),
        project_id=text(series.project_id, 64),
        key_id=text(series.key_id, 64),
        model=text(series.model, 200),
        asked=text(series.asked, 200),
        deployment=text(series.deployment, 400),
        upstream=text(series.upstream, 100),
        credential=series.credential,
        endpoint=series.endpoint,
        surface=series.surface,
    )


def reserved(row: Reserved, series_id: int, *, is_settled: bool = False) -> dict[str, Any]:
    """A new row of the table `ledger`. Where it is settled already, what it costs is left to `settled`."""
    return {
        "id": text(row.id, 48),
        "at": row.at,
        "series_id": series_id,
        "state": "reserved",
        "outcome": "",
        **({} if is_settled else charged(row.estimate)),
        "instance_id": text(row.instance, 32),
        "prompt_bytes": _bounded(row.prompt_bytes),
        "answer_bytes": 0,
        "settled_at": None,
        "seconds": None,
        "reported": None,
        "error_code": None,
        "tags": _tags(row.owner),
    }


def settled(row: Settled) -> dict[str, Any]:
    """What settling changes of a row of the table `ledger`."""
    told = row.reported
    return {
        "state": "settled",
        "outcome": row.outcome,
        **charged(row.charge),
        "answer_bytes": _bounded(row.answer_bytes),
        "settled_at": row.at,
        "seconds": row.seconds,
        "reported": None if told is None or told == row.charge.usage else msgspec.json.encode(told).decode(),
        "error_code": None if row.error_code is None else text(row.error_code, 64),
    }


def ended(row: Ended, series_id: int) -> dict[str, Any]:
    """A row of the table `requests`."""
    told, billed = _tokens(row.usage), _tokens(row.billed)
    return {
        "uid": text(row.uid, 40),
        "at": row.at,
        "series_id": series_id,
        "ending": text(row.ending, 32),
        "request_id": text(row.request_id, 200),
        "asked": text(row.model, 200),
        "attempts": row.attempts,
        "told_prompt_tokens": told[0],
        "told_completion_tokens": told[1],
        "told_cached_tokens": told[2],
        "told_reasoning_tokens": told[3],
        "prompt_tokens": billed[0],
        "completion_tokens": billed[1],
        "cached_tokens": billed[2],
        "reasoning_tokens": billed[3],
        "amounts": msgspec.json.encode(amounts_of(row)).decode(),
        "unpriced": row.unpriced,
        "estimated": row.estimated,
        "seconds": row.seconds,
        "first_s": row.first_s,
        "cache_use": row.cache_use,
        "error_code": None if row.error_code is None else text(row.error_code, 64),
        "tags": _tags(row.owner),
    }


def amounts_of(row: Ended) -> dict[str, int]:
    """A request's money by currency."""
    return {each.currency: _money(each.amount) for each in row.amounts}


def charged(charge: Charge) -> dict[str, Any]:
    """A charge's columns."""
    units, amount = charge.units, charge.amount
    prompt, completion, cached, reasoning = _tokens(charge.usage)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "cached_tokens": cached,
        "reasoning_tokens": reasoning,
        "calls": _bounded(units.calls),
        "images": _bounded(units.images),
        "ms": _bounded(units.ms),
        "amount": None if amount is None else _money(amount),
        "currency": None if amount is None else text(charge.currency or "", 3),
        "price": None if charge.price is None else text(charge.price, 200),
        "estimated": charge.estimated,
    }


def text(value: str, longest: int) -> str:
    """The text as every database holds it: no NUL, no half of a surrogate pair, cut to so many characters."""
    if value.isascii() and "\0" not in value:
        return value[:longest]
    return value[:longest].encode("utf-8", "replace").decode().replace("\0", "?")


def day_of(at: float) -> int:
    """The UTC day of a time, counted from 1970."""
    return int(at // DAY_S)


def _tokens(usage: Usage) -> tuple[int, int, int, int]:
    """The columns of tokens: prompt, completion, cached, reasoning."""
    found = usage.prompt, usage.completion, usage.cached, usage.reasoning
    if min(found) >= 0 and max(found) <= _MOST_TOKENS:
        return found
    prompt, completion, cached, reasoning = map(_bounded, found)
    return prompt, completion, cached, reasoning


def _tags(owner: Owner) -> str | None:
    return msgspec.json.encode([text(tag, 200) for tag in owner.tags]).decode() if owner.tags else None


def _bounded(count: int) -> int:
    return count if 0 <= count <= _MOST_TOKENS else min(max(0, count), _MOST_TOKENS)


def _money(amount: int) -> int:
    return amount if -_MOST_NANO <= amount <= _MOST_NANO else min(max(-_MOST_NANO, amount), _MOST_NANO)
