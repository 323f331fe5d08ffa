"""The schema's way from one revision to another, with Alembic, in a connection's open transaction.

Imported only when a database is not at `schema.REVISION`: Alembic costs 0.3 s of a start.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, delete, insert, text

from glmgate.storage.schema import OLDEST, OLDEST_FACT, facts

# Tables are locked for a moment each. Who waits longer has come at a bad time, and lets nobody pass meanwhile.
_LOCK_S: Final = 10


def known_revisions() -> tuple[str, ...]:
    """All revisions that this program brings, the oldest first."""
    scripts = ScriptDirectory.from_config(_config())
    return tuple(reversed([script.revision for script in scripts.walk_revisions()]))


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the schema up to `revision`. All of it happens, or nothing."""
    _prepare(connection)
    command.upgrade(_config(connection), revision)
    _note_oldest(connection)


def downgrade(connection: Connection, revision: str) -> None:
    """Take the schema back to `revision` (`base`: to nothing). What newer tables held is lost."""
    _prepare(connection)
    command.downgrade(_config(connection), revision)
    _note_oldest(connection)


def _prepare(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_S}s'"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))  # a large table takes the time that it takes


def _note_oldest(connection: Connection) -> None:
    found = MigrationContext.configure(connection).get_current_revision()
    if found is None:
        return
    connection.execute(delete(facts).where(facts.c.name == OLDEST_FACT))
    connection.execute(insert(facts).values(name=OLDEST_FACT, value=min(found, OLDEST)))


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
