"""The service that the agents ask."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.langchain_zhipuai.agents.stage import close_all
from tests.services import Service, running


@pytest.fixture
def service() -> Iterator[Service]:
    """BigModel's, as strict as the real one."""
    with running("bigmodel") as made:
        yield made


@pytest.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    """What a test opened is closed after it, in its own loop."""
    yield
    await close_all()
