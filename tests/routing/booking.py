"""Books with known prices, and a call that is put down in them."""

from __future__ import annotations

from dataclasses import dataclass, field

from glmgate.policy.prices import Price, Prices, Rates
from glmgate.routing.booked import Booked
from glmgate.routing.books import KeptBooks
from glmgate.wire.chat import ChatRequest, Message
from glmgate.wire.engine import Call, Engine, Place
from tests.fakes.engine import call
from tests.fakes.journal import FakeJournal, FakeSpending
from tests.fakes.time import FakeTime

PLACE = Place("zai/glm-4.6", "zai", "glm-4.6", 1)
PRICE = Price(model="glm-4.6", currency="USD", rates=Rates(prompt=600_000_000, answer=2_200_000_000, call=1000))


def request(text: str = "Hi", *, max_tokens: int | None = None) -> ChatRequest:
    """A chat request."""
    return ChatRequest(model="glm", messages=[Message(role="user", content=text)], stream=True, max_tokens=max_tokens)


@dataclass(slots=True)
class Desk:
    """Everything that an attempt is put down with."""

    prices: Prices = field(default_factory=lambda: Prices([PRICE]))
    journal: FakeJournal = field(default_factory=FakeJournal)
    spending: FakeSpending = field(default_factory=FakeSpending)
    time: FakeTime = field(default_factory=FakeTime)
    books: KeptBooks = field(init=False)
    call: Call = field(init=False)

    def __post_init__(self) -> None:
        self.books = KeptBooks(
            journal=self.journal, instance="i-1", prices=self.prices, clock=lambda: 1e9, timer=self.time
        )
        self.call = call(books=self.books, spending=self.spending, model="glm")

    def booked(self, engine: Engine) -> Booked:
        """An engine whose answers are put down here."""
        return Booked(engine, PLACE)
