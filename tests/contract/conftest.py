"""What the rows share: a strict service of each kind, and a look at its complaints when a row is over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests.contract.stage import Stage, Upstream, models, running_stage, staged
from tests.services import KINDS, Service, ServiceName, running

OTHERS: Final = ("glm-4-alltools", "glm-4.6", "glm-4.6v", "glm-5.2", "gpt-4o-mini", "embedding-3", "qwen3-8b")
"""Models that are configured for services which take any name."""


@dataclass(slots=True)
class Row:
    """A gateway in front of one service. `complains`: the row is about something that the service is to refuse."""

    stage: Stage
    service: Service
    complains: bool = False


MakeRow = Callable[..., AbstractAsyncContextManager[Row]]
"""`row("zai")`: the chain with that service, which may complain about nothing."""


@dataclass(slots=True)
class Standing:
    """Chains that are open already: opening one costs a tenth of a second, and there are hundreds of rows."""

    folder: Path
    stack: ExitStack
    found: dict[ServiceName, tuple[Stage, Service]] = field(default_factory=dict)

    def chain(self, name: ServiceName) -> tuple[Stage, Service]:
        """The chain with that service, as new for a test."""
        if name not in self.found:
            service = self.stack.enter_context(running(name))
            home = self.folder / name
            opening = running_stage(home, Upstream(service=service), tables=tables_of(name))
            self.found[name] = (self.stack.enter_context(opening), service)
        stage, service = self.found[name]
        service.forget()
        return Stage(stage.port, stage.app), service


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """The open chains, closed in the end."""
    with ExitStack() as stack:
        yield Standing(tmp_path_factory.mktemp("rows"), stack)


@pytest.fixture
def row(standing: Standing, tmp_path: Path) -> MakeRow:
    """Hands out a chain: a shared one, or with `tables` or `fresh` one of the test's own.

    A test whose service fails has one of its own, because a breaker remembers.
    """

    @asynccontextmanager
    async def opening(name: ServiceName = "zai", *, tables: str = "", fresh: bool = False) -> AsyncIterator[Row]:
        if fresh or tables:
            with running(name) as service:
                upstream = Upstream(service=service)
                async with staged(tmp_path / "home", upstream, tables=tables or tables_of(name)) as stage:
                    found = Row(stage, service)
                    yield found
                check(found)
            return
        stage, service = standing.chain(name)
        found = Row(stage, service)
        try:
            yield found
        finally:
            await stage.aclose()
        check(found)

    return opening


def tables_of(name: ServiceName) -> str:
    """The models that are configured in front of a service."""
    return models(*(KINDS[name].models if KINDS[name].errors == "glm" else OTHERS))


def check(row: Row) -> None:
    """The service has refused nothing, ignored nothing, and never seen the client's own credential."""
    if not row.complains:
        assert row.service.refusals == []
        assert row.service.ignored == []
    assert all("secretOfTheClient" not in str(dict(heard.headers)) for heard in row.service.requests)
