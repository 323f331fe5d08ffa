"""The served process that the pages' tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stories.served import Served, serving


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with a key, as `glmgate serve` starts it."""
    with serving(tmp_path_factory.mktemp("docs")) as server:
        yield server
