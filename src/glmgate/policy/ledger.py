"""The rows of the ledger: an attempt that is reserved, one that is settled, a request that has ended.

Values and the Protocol of the journal that takes them; where they are kept is `storage`'s. Times are Unix seconds,
money is nano-units (`wire.charge`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol

import msgspec

from glmgate.wire.charge import Charge
from glmgate.wire.delta import Usage
from glmgate.wire.engine import CacheUse, Endpoint, Outcome, Place, Surface

Settlement = Outcome | Literal["unknown"]
"""How an attempt was settled. `unknown`: its process died before it could tell, and it counts as it was reserved."""


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose request it is; `tags` are those of its organisation, project and key together."""

    key_id: str
    organisation: str
    project: str
    tags: tuple[str, ...] = ()


class Reserved(msgspec.Struct, frozen=True, kw_only=True, tag="reserved"):
    """An attempt that is about to be made. `estimate` is what it may cost at most; `model` the name asked for.

    `id` is `{request_uid}.{n}`. `instance` is the process that makes it: as long as that one lives, it is under way.
    `prompt_bytes` is how much text there is to read.
    """

    id: str
    request_uid: str
    at: float
    instance: str
    owner: Owner
    model: str
    place: Place
    endpoint: Endpoint
    surface: Surface
    estimate: Charge
    prompt_bytes: int = 0


class Settled(msgspec.Struct, frozen=True, kw_only=True, tag="settled"):
    """What came of a reserved attempt. `answer_bytes` is how much text was seen of the answer.

    `reported` is what the service said of its tokens, None where it said nothing; `charge` is what counts.
    """

    id: str
    at: float
    outcome: Settlement
    charge: Charge
    seconds: float
    answer_bytes: int = 0
    reported: Usage | None = None
    error_code: str | None = None


class Amount(msgspec.Struct, frozen=True):
    """Money: nano-units of a currency (ISO 4217)."""

    currency: str
    amount: int


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """A request that has ended.

    `usage` is what its client was told, `billed` the sum of its attempts, `amounts` their money by currency and
    `unpriced` how many of them no price was known for. `estimated`: some of it was told by nobody.
    """

    uid: str
    request_id: str
    at: float
    owner: Owner
    model: str
    answered_by: str
    endpoint: Endpoint
    surface: Surface
    ending: str
    seconds: float
    first_s: float | None = None
    attempts: int = 0
    usage: Usage = Usage()
    billed: Usage = Usage()
    amounts: tuple[Amount, ...] = ()
    unpriced: int = 0
    estimated: bool = False
    cache_use: CacheUse | None = None
    error_code: str | None = None


Row = Reserved | Settled | Ended


class Journal(Protocol):
    """Takes rows. A row that was taken survives the end of the process, however it ends."""

    async def reserved(self, row: Reserved) -> None:
        """Take an attempt before it is made. Raises Unavailable, whose remedy is `tell`, where that cannot be done."""
        ...

    def settled(self, row: Settled) -> None:
        """Take what came of it. Never fails: what cannot be written now is kept until it can be.

        It may be of one whose `reserved` was cancelled, and so may not be there.
        """
        ...

    def ended(self, row: Ended) -> None:
        """Take a request's end. Never fails."""
        ...


class NullJournal:
    """Takes rows and keeps none."""

    async def reserved(self, row: Reserved) -> None:
        """Do nothing."""

    def settled(self, row: Settled) -> None:
        """Do nothing."""

    def ended(self, row: Ended) -> None:
        """Do nothing."""


def amounts_of(charges: Iterable[Charge]) -> tuple[Amount, ...]:
    """The money of `charges`, each currency by itself, in the order of their names."""
    sums: dict[str, int] = {}
    for charge in charges:
        if charge.amount is not None and charge.currency is not None:
            sums[charge.currency] = sums.get(charge.currency, 0) + charge.amount
    return tuple(Amount(currency, sums[currency]) for currency in sorted(sums))


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """A settled attempt as it counts: what re-pricing and reconciling read. `at` is when it was made."""

    id: str
    at: float
    upstream: str
    model: str
    outcome: Settlement
    charge: Charge
