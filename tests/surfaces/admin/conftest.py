"""The office that the administration's tests share."""

from __future__ import annotations

import pytest

from tests.surfaces.admin.office import Office, opened


@pytest.fixture
async def office() -> Office:
    """One administrator, and nothing else."""
    return await opened()
