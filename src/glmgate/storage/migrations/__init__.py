"""Alembic's folder: how migrations are run. Imported by nobody."""
