"""The application over a fake gateway, and a client that calls it in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import pytest

from glmgate.surfaces.application import Application, build
from glmgate.surfaces.interfaces import Exposition, Operations, Readiness
from glmgate.surfaces.settings import ServerSettings
from tests.fakes.gateway import FakeGateway
from tests.surfaces.asgi_client import AsgiClient

MakeClient = Callable[..., AsgiClient]
T = TypeVar("T")


def answering(value: T) -> Callable[[], Awaitable[T]]:
    """What an operator's path asks, answered with `value`."""

    async def ask() -> T:
        return value

    return ask


OPERATIONS = Operations(
    readiness=answering(Readiness(ready=True, engines={"glm-fake": "running"})),
    exposition=answering(Exposition("text/plain; version=0.0.4", b"glmgate_up 1\n")),
    now=answering({}),
)


def application(
    gateway: FakeGateway, settings: ServerSettings | None = None, operations: Operations = OPERATIONS
) -> Application:
    """The application as `app.build` makes it, but over fakes."""
    return build(gateway, operations, settings or ServerSettings())


@pytest.fixture
def gateway() -> FakeGateway:
    """A gateway that says hello."""
    return FakeGateway()


@pytest.fixture
def make_client(gateway: FakeGateway) -> MakeClient:
    """Makes a client of an application with other settings."""

    def make(*, peer: str = "127.0.0.1", operations: Operations = OPERATIONS, **settings: object) -> AsgiClient:
        return AsgiClient(application(gateway, msgspec.convert(settings, ServerSettings), operations), peer)

    return make


@pytest.fixture
def client(make_client: MakeClient) -> AsgiClient:
    """A client of the application with its default settings."""
    return make_client()
