"""How Alembic runs our migrations: in the connection and the transaction that `storage.upgrade` hands over.

Alembic runs this file; nothing imports it.
"""

from __future__ import annotations

from alembic import context

from glmgate.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,  # SQLite alters few things in place; a batch copies the table
)
with context.begin_transaction():
    context.run_migrations()
