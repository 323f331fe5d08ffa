"""The schema's way from one revision to another, with Alembic, in a connection's open transaction.

Imported only when a database is not at `schema.REVISION`: Alembic costs 0.3 s of a start.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def known_revisions() -> tuple[str, ...]:
    """All revisions that this program brings, the oldest first."""
    scripts = ScriptDirectory.from_config(_config())
    return tuple(reversed([script.revision for script in scripts.walk_revisions()]))


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the schema up to `revision`. All of it happens, or nothing."""
    command.upgrade(_config(connection), revision)


def downgrade(connection: Connection, revision: str) -> None:
    """Take the schema back to `revision` (`base`: to nothing). What newer tables held is lost."""
    command.downgrade(_config(connection), revision)


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
