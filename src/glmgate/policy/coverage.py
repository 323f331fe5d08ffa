"""Coverage: whether the budgets of a key bound everything that it can spend. Pure; for who checks settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from glmgate.policy.access import may_ask
from glmgate.policy.prices import Prices
from glmgate.wire.engine import Place
from glmgate.wire.terms import TOKENS, Scope

_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Routed:
    """A model's names, and the places of its route."""

    names: tuple[str, ...]
    places: Sequence[Place]


@dataclass(frozen=True, slots=True)
class Gap:
    """A place that can charge a key in a `currency` that none of its budgets is in; None: nobody knows its price."""

    scope: Scope
    model: str
    place: Place
    currency: str | None
    budgets: tuple[str, ...]

    def __str__(self) -> str:
        """What is wrong, and what to do."""
        where = f"the {self.scope.level} {self.scope.id!r} may ask for {self.model!r}, which {self.place.deployment!r}"
        if self.currency is None:
            return f"{where} answers, and nobody knows its price: add it to [[prices]]."
        return (
            f"{where} charges in {self.currency}, and its budgets are in {' and '.join(self.budgets)}: add a budget in "
            f"{self.currency}, or take the model from its list."
        )


def together(found: Iterable[Gap], where: str) -> Iterator[str]:
    """The gaps of places that are many and alike, a sentence for each key and upstream; `where` says what these are."""
    alike: dict[tuple[str, str, str | None], list[Gap]] = {}
    for gap in found:
        alike.setdefault((gap.scope.id, gap.place.upstream, gap.currency), []).append(gap)
    for (_, upstream, currency), several in alike.items():
        scope, units = several[0].scope, " and ".join(several[0].budgets)
        names = ", ".join(repr(gap.model) for gap in several[:_NAMED])
        more = f" and {len(several) - _NAMED} more" if len(several) > _NAMED else ""
        asked = f"the {scope.level} {scope.id!r} may ask for {names}{more}, which {upstream!r} ({where})"
        if currency is None:
            yield f"{asked} answers, and nobody knows a price: add them to [[prices]], or allow it other models only."
        else:
            yield (
                f"{asked} charges in {currency}, and its budgets are in {units}: add a budget in {currency}, or allow "
                "it other models only."
            )


def gaps(scopes: Sequence[Scope], routed: Iterable[Routed], prices: Prices, now: float) -> Iterator[Gap]:
    """What these scopes together can spend, and no budget of theirs bounds; nothing where none bounds money.

    Prices that begin on a day to come count: whoever is asked today is not asked again on that day.
    """
    units = _units(scopes)
    if not units:
        return
    for model in routed:
        if may_ask(scopes, *model.names) is None:
            for place in model.places:
                for currency in _uncovered(place, units, prices, now):
                    yield Gap(scopes[-1], model.names[0], place, currency, units)


def _units(scopes: Sequence[Scope]) -> tuple[str, ...]:
    """The currencies of all budgets, where one of them is hard."""
    budgets = [budget for scope in scopes for budget in scope.terms.budgets if budget.unit != TOKENS]
    if all(budget.mode == "warn" for budget in budgets):
        return ()
    return tuple(sorted({budget.unit for budget in budgets}))


def _uncovered(place: Place, units: tuple[str, ...], prices: Prices, now: float) -> Iterator[str | None]:
    """The currencies of a place that are not among `units`; None where it has no price."""
    currencies = prices.currencies(place.upstream, place.model, now)
    if not currencies and place.upstream:
        yield None
    yield from sorted(currencies - set(units))
