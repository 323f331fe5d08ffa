"""`python -m bench.limits`: what limits and budgets cost a request, in CPU time of one core. A part of `make bench`.

Everything that admission does is in it: the terms, the asks, the counters in memory, an attempt, and the settlement.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from bench.adaptation import ROUNDS
from glmgate.gateway.admit import Admission, Means
from glmgate.policy.admission import Target
from glmgate.policy.counters import MemoryCounters
from glmgate.policy.estimates import Estimator
from glmgate.policy.prices import Price, Prices, Rates
from glmgate.policy.quotes import PriceQuotes
from glmgate.wire.charge import Charge
from glmgate.wire.chat import ChatRequest, Message
from glmgate.wire.delta import Usage
from glmgate.wire.engine import Call, Caller, Place
from glmgate.wire.terms import Budget, Scope, Terms

REQUESTS = 2000
GOAL_US = 60
"""Half of what all accounts may cost."""

PLACE = Place("zai/glm-4.6", "zai", "glm-4.6")
PRICE = Price(model="glm-4.6", currency="USD", rates=Rates(prompt=600_000_000, answer=2_200_000_000))
TEXT = "What is the weather in Rome, and what should I wear there tomorrow?"
MANY = 10**9
LIMITS = Terms(rpm=MANY, tpm=MANY, in_flight=MANY)
BUDGET = Terms(rpm=MANY, tpm=MANY, in_flight=MANY, budgets=(Budget(limit="1000000", unit="USD"),))


@dataclass(frozen=True, slots=True)
class Case:
    """Terms, and whose they are."""

    name: str
    scopes: tuple[Scope, ...]


CASES = (
    Case("no terms", (Scope("key", "k"),)),
    Case("a key's three limits", (Scope("key", "k", LIMITS),)),
    Case(
        "three scopes' limits",
        (Scope("organisation", "o", LIMITS), Scope("project", "p", LIMITS), Scope("key", "k", LIMITS)),
    ),
    Case("a key's limits and budget", (Scope("key", "k", BUDGET),)),
)


async def once(
    admission: Admission, scopes: tuple[Scope, ...], request: ChatRequest, targets: tuple[Target, ...]
) -> None:
    """One request with one attempt."""
    call = Call(request_id="r", caller=Caller("k", scopes=scopes), surface="openai")
    asked = await admission.generation(call, request, targets)
    estimate = Charge(usage=Usage(500, 1024), amount=10**6, currency="USD")
    await call.spending.attempt(call, PLACE, asked, estimate)
    call.spending.settled(call, estimate, Charge(usage=Usage(480, 50), amount=10**5, currency="USD"))
    await admission.close(call)


async def measured(case: Case) -> float:
    """Microseconds for a request, the best of some rounds."""
    prices = Prices([PRICE])
    quotes = PriceQuotes(lambda: prices, Estimator(), time.time)
    admission = Admission(Means(MemoryCounters(), time.time, quotes=quotes))
    request, targets = (
        ChatRequest(model="glm-4.6", messages=[Message(role="user", content=TEXT)]),
        (Target(PLACE, 131_072),),
    )
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(REQUESTS):
            await once(admission, case.scopes, request, targets)
        best = min(best, (time.process_time() - start) / REQUESTS)
    return best * 1e6


def main() -> None:
    """Measure and print."""
    print("limits and budgets, µs of CPU for a request")
    for case in CASES:
        print(f"{case.name:<28} {asyncio.run(measured(case)):>8.2f}   goal <= {GOAL_US} µs", flush=True)


if __name__ == "__main__":
    main()
