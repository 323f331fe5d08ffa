"""The ReasoningStore of `policy` in a database, shared by all processes.

Under which keys thoughts stand is decided in `policy.reasoning`. Texts stand as they are: see docs/memory.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, case, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from typing_extensions import override

from glmgate.policy.bounded import ENTRY_BYTES
from glmgate.policy.reasoning import ReasoningStore, Thought
from glmgate.storage.database import Database
from glmgate.storage.schema import reasoning

# SQLite takes 999 values in one statement in builds before 3.32 (sqlite.org/limits.html, 9).
_AT_ONCE: Final = 500


class SqlReasoningStore(ReasoningStore):
    """Thoughts in the table `reasoning`. Times are in seconds, sizes in bytes of UTF-8; longer thoughts are not kept.

    Those whose time is over go with the next that are kept, and so do the oldest where there is more than `most_bytes`.
    """

    def __init__(
        self,
        database: Database,
        *,
        ttl_s: float,
        most_bytes: int,
        longest_bytes: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._ttl_s = ttl_s
        self._most = most_bytes
        self._longest = longest_bytes
        self._clock = clock

    @override
    async def find(self, project: str, keys: Collection[str]) -> Mapping[str, str]:
        now = self._clock()
        wanted = list(keys)

        def work(connection: Connection) -> dict[str, str]:
            found: dict[str, str] = {}
            for some in _slices(wanted):
                rows = connection.execute(
                    select(reasoning.c.key, reasoning.c.text).where(
                        reasoning.c.project_id == project,
                        reasoning.c.key.in_(some),
                        reasoning.c.expires_at > now,
                        reasoning.c.text != "",
                    )
                )
                found.update((row.key, row.text) for row in rows)
            return found

        return await self._database.read(work)

    @override
    async def keep(self, project: str, thoughts: Sequence[Thought]) -> None:
        now = self._clock()
        rows = [(_row(project, thought, now + self._ttl_s), thought.sole) for thought in thoughts]
        rows = [(row, sole) for row, sole in rows if row["size"] - ENTRY_BYTES <= self._longest]

        def work(connection: Connection) -> None:
            connection.execute(delete(reasoning).where(reasoning.c.expires_at <= now))
            for row, sole in rows:
                _put(connection, row, sole=sole)
            _make_room(connection, self._most)

        await self._database.write(work)


def _row(project: str, thought: Thought, expires_at: float) -> dict[str, Any]:
    return {
        "project_id": project,
        "key": thought.key,
        "text": thought.text,
        "size": ENTRY_BYTES + len(thought.text.encode("utf-8", "surrogatepass")),
        "expires_at": expires_at,
    }


def _put(connection: Connection, row: dict[str, Any], *, sole: bool) -> None:
    # Both databases have the same words for it, SQLAlchemy has two modules.
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(reasoning).values(row)
    new = statement.excluded
    after: dict[str, Any] = {"text": new.text, "size": new.size, "expires_at": new.expires_at}
    if sole:
        is_same = reasoning.c.text == new.text
        after["text"] = case((is_same, new.text), else_="")
        after["size"] = case((is_same, new.size), else_=ENTRY_BYTES)
    connection.execute(statement.on_conflict_do_update(index_elements=["project_id", "key"], set_=after))


def _make_room(connection: Connection, most: int) -> None:
    # The index over time and size holds all that this reads.
    excess = int(connection.scalar(select(func.coalesce(func.sum(reasoning.c.size), 0))) or 0) - most
    if excess <= 0:
        return
    oldest = select(reasoning.c.project_id, reasoning.c.key, reasoning.c.size).order_by(reasoning.c.expires_at)
    gone: list[tuple[str, str]] = []
    # In portions: the driver of PostgreSQL would fetch all rows before the first is seen.
    with connection.execute(oldest, execution_options={"yield_per": _AT_ONCE}) as rows:
        for row in rows:
            gone.append((row.project_id, row.key))
            excess -= row.size
            if excess <= 0:
                break
    for project, key in gone:
        connection.execute(delete(reasoning).where(reasoning.c.project_id == project, reasoning.c.key == key))


def _slices(keys: list[str]) -> Iterator[list[str]]:
    return (keys[start : start + _AT_ONCE] for start in range(0, len(keys), _AT_ONCE))
