"""Acts on the whole of a database: what their rows say, and where there is no log yet."""

from __future__ import annotations

from functools import partial

import msgspec

from glmgate.policy.audit import Act
from glmgate.policy.ledger import Amount
from glmgate.storage import acts
from glmgate.storage.audit import SqlAuditStore, verified
from glmgate.storage.database import Database
from glmgate.storage.opening import open_database
from glmgate.storage.schema import REVISION
from glmgate.storage.upgrade import upgrade

COST = {"zai/glm-4.6": (Amount("CNY", 1), Amount("USD", 1_250_000_000))}


def test_what_repricing_did_is_told_in_money() -> None:
    """By model and currency, as exact decimals; with the time that it was of."""
    act = acts.repriced("cli:me", 1.0, 2.0, COST, {"zai/glm-4.6": (Amount("USD", 3),)})
    assert act == Act(
        "cli:me",
        "ledger.repriced",
        "ledger",
        {"since": 1.0, "until": 2.0, "amounts": {"zai/glm-4.6": {"CNY": "0.000000001", "USD": "1.25"}}},
        {"since": 1.0, "until": 2.0, "amounts": {"zai/glm-4.6": {"USD": "0.000000003"}}},
    )
    msgspec.json.encode(act.after)


async def test_acts_are_rows_of_the_one_chain(database_url: str) -> None:
    """Whatever they did."""
    database = await open_database(database_url)
    done = (
        acts.upgraded("server", "0003", REVISION),
        acts.restored("cli:me", "backup"),
        acts.pruned("cli:me", "ledger", until=5.0, rows=7),
        acts.repricing("cli:me", 1.0, 2.0),
    )
    for act in done:
        await database.write(partial(acts.note, done=act))
    entries = await SqlAuditStore(database).entries(limit=9)
    assert [(entry.actor, entry.action) for entry in entries] == [(act.actor, act.action) for act in done]
    assert await database.read(verified) is None
    await database.aclose()


async def test_where_there_is_no_log_yet_nothing_is_noted(database_url: str) -> None:
    """And nothing fails."""
    database = Database(database_url)
    await database.write(partial(upgrade, revision="0002"))
    await database.write(partial(acts.note, done=acts.restored("cli:me", "backup")))
    await database.aclose()
