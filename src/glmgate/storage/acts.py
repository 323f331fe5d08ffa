"""What is done to the whole of a database, as acts of the audit log.

Each is written in the transaction that does it, or that begins it; what a row is, is decided in `policy.audit`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection

from glmgate.policy.audit import Act
from glmgate.policy.ledger import Amount
from glmgate.policy.prices import decimal_of
from glmgate.storage.audit import append
from glmgate.storage.schema import audit

_DATABASE: Final = "database"
_LEDGER: Final = "ledger"

Money = Mapping[str, tuple[Amount, ...]]
"""What the attempts of each model cost, by upstream and model."""


def note(connection: Connection, done: Act) -> None:
    """Add an act, in a transaction of `Database.write`, where there is a log already: schemas before 0003 have none."""
    if connection.dialect.has_table(connection, audit.name):
        append(connection, done, at=time.time())


def upgraded(actor: str, before: str, after: str) -> Act:
    """The schema was brought from one revision to another."""
    return Act(actor, "database.upgraded", _DATABASE, {"schema": before}, {"schema": after})


def restored(actor: str, source: str) -> Act:
    """A backup was put in the database's place: the log goes on from what it was then."""
    return Act(actor, "database.restored", _DATABASE, None, {"file": source})


def pruned(actor: str, table: str, *, until: float, rows: int) -> Act:
    """So many rows of a table, all those up to a time, are being deleted."""
    return Act(actor, "database.pruned", table, {"rows": rows}, {"until": until})


def repricing(actor: str, start: float, end: float) -> Act:
    """Attempts of that time are being charged anew; `repriced` follows when it is done."""
    return Act(actor, "ledger.repricing", _LEDGER, None, {"since": start, "until": end})


def repriced(actor: str, start: float, end: float, before: Money, after: Money) -> Act:
    """Attempts of that time were charged anew."""
    span: dict[str, Any] = {"since": start, "until": end}
    return Act(actor, "ledger.repriced", _LEDGER, span | _amounts(before), span | _amounts(after))


def _amounts(money: Money) -> dict[str, Any]:
    return {
        "amounts": {
            model: {each.currency: f"{decimal_of(each.amount).normalize():f}" for each in amounts}
            for model, amounts in money.items()
        }
    }
