"""Wanted: all that one request asks of limits and budgets, and the error where one of them does not allow it.

What is asked of each is decided in `policy`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from glmgate.errors import GlmgateError
from glmgate.gateway.counting import Counting
from glmgate.gateway.reservation import refused
from glmgate.policy import limits
from glmgate.policy.admission import Quotes, Target, Wish
from glmgate.policy.budgets import Account, accounts
from glmgate.policy.counters import Ask, Refused, Spend
from glmgate.policy.limits import Limit
from glmgate.policy.sizes import Size, measured
from glmgate.telemetry.limits import LimitsWatch
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Generation

_NOTHING: Final = Size(0, 0)


class Wanted(msgspec.Struct, frozen=True):
    """What a call asks: of `limits`, and of `accounts` by their `spends`."""

    call: Call
    wish: Wish
    limits: Sequence[Limit]
    accounts: Sequence[Account]
    spends: Sequence[Spend]

    def __bool__(self) -> bool:
        """Whether anything is asked."""
        return bool(self.limits or self.accounts)

    @property
    def asks(self) -> list[Ask]:
        """All of it in one step: the limits first, because they let a request in again soonest."""
        return [*(limit.ask for limit in self.limits), *self.spends]

    @property
    def kinds(self) -> list[str]:
        """The kinds of limits that there are, by the names of their settings."""
        return [*dict.fromkeys(limit.kind for limit in self.limits), *(["budgets"] if self.accounts else [])]

    def shared(self, share: float) -> Wanted:
        """The same of a share of the limits, and of no budget."""
        parts = [Limit(limit.kind, limit.scope, limits.share_of(limit, share)) for limit in self.limits]
        return msgspec.structs.replace(self, limits=parts, accounts=(), spends=())

    async def refusal(self, outcome: Refused, counting: Counting, watch: LimitsWatch) -> GlmgateError:
        """The error of what is refused; the call's headers say what is left of that limit."""
        place = outcome.index - len(self.limits)
        if place < 0:
            limit = self.limits[outcome.index]
            watch.refused(limit.kind, limit.scope.level)
            self.call.headroom = limits.headroom([limit], [outcome.state])
            return limits.refusal(limit, outcome.state)
        account, spend = self.accounts[place], self.spends[place]
        watch.refused("budget", account.scope.level)
        return await refused(counting, account, outcome.state, spend.amount if spend.least is None else spend.least)


def wanted(
    call: Call,
    request: Generation | EmbeddingsRequest | None,
    targets: Sequence[Target],
    *,
    quotes: Quotes,
    now: float,
    leases: bool = True,
) -> Wanted:
    """What `request` (None: one that costs nothing but itself) asks of those who ask.

    `leases`: what it asks of hard budgets beyond what is likely is given back if it is never heard of again.
    """
    scopes = call.caller.scopes
    counted = accounts(scopes, now)
    counts_tokens = any(scope.terms.tpm is not None for scope in scopes)
    # Measuring a long conversation is the dearest part of all this.
    size = measured(request) if request is not None and (counted or counts_tokens) else _NOTHING
    wish = Wish(size, targets, quotes)
    held = limits.limits(scopes, tokens=wish.tokens() if counts_tokens else 0, guessed=size.max_tokens is None)
    return Wanted(call, wish, held, counted, [wish.spend(account, leases=leases) for account in counted])
