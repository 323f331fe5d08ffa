"""Instances: the processes that make reservations, each with a lease that it renews as long as it lives.

Whose reservations are given up is decided here; how is `ledger.lose`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Collection
from typing import Final

from sqlalchemy import Connection, delete, select, update

from glmgate.storage.days import insert
from glmgate.storage.ledger import lose
from glmgate.storage.rows import text
from glmgate.storage.schema import instances

LEASE_S: Final = 30.0
RENEW_S: Final = 10.0
"""How often a lease is renewed: two times in a row may fail."""


class Lease:
    """This process's lease. `clock` gives Unix seconds; those of several hosts agree within some seconds."""

    def __init__(self, instance: str, *, clock: Callable[[], float], lease_s: float = LEASE_S) -> None:
        self.instance = instance
        self._clock = clock
        self._lease_s = lease_s
        self._started = clock()
        # Since when the leases of others could be renewed, as far as this process knows; None: not now.
        self._reachable_since: float | None = None

    def renew(self, connection: Connection) -> None:
        """Hold the lease for a while longer, also where somebody has taken this process for dead."""
        until = self._clock() + self._lease_s
        renewed = update(instances).where(instances.c.id == self.instance).values(lease_until=until)
        if connection.execute(renewed).rowcount:
            return
        row = {
            "id": self.instance,
            "host": text(socket.gethostname(), 255),
            "pid": os.getpid(),
            "started_at": self._started,
            "lease_until": until,
        }
        connection.execute(insert(connection.dialect.name, instances).on_conflict_do_nothing(), [row])

    def reached(self) -> None:
        """The database has answered."""
        if self._reachable_since is None:
            self._reachable_since = self._clock()

    def missed(self) -> None:
        """The database did not answer, and perhaps nobody's: leases may run out of processes that live."""
        self._reachable_since = None

    @property
    def may_judge(self) -> bool:
        """Whether a lease that ran out says that its process is dead: it had the time to renew it."""
        return self._reachable_since is not None and self._clock() - self._reachable_since >= self._lease_s

    def give_up(self, connection: Connection, living: Collection[str]) -> dict[str, int]:
        """Settle what the dead have left reserved: those whose lease ran out and who are not known to be `living`.

        Answers how many attempts that were, by instance.
        """
        now = self._clock()
        over = select(instances.c.id).where(instances.c.lease_until < now, instances.c.id != self.instance)
        dead = [id_ for id_ in connection.scalars(over.with_for_update()) if id_ not in living]
        return {id_: self.bury(connection, id_) for id_ in dead}

    def bury(self, connection: Connection, instance: str) -> int:
        """Settle what that process, known to be dead, has left reserved. Answers how many attempts that were."""
        count = lose(connection, instance, self._clock())
        connection.execute(delete(instances).where(instances.c.id == instance))
        return count
