"""What LangChain's suites run against: a served glmgate before a loopback GLM, and one with its built-in model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.langchain_zhipuai.competent import competent
from tests.langchain_zhipuai.standard.downloads import proxied
from tests.services import KEYS, Service, running
from tests.stories.served import SETTINGS, Served, serving

NAMES: Final = ("glm-4.6", "glm-4.6v", "embedding-2", "embedding-3")


@dataclass(frozen=True, slots=True)
class Chain:
    """A service as GLM, and the server before it."""

    service: Service
    served: Served


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """glmgate with Z.AI's service behind it, which answers as a competent model."""
    home: Path = tmp_path_factory.mktemp("standard") / "home"
    home.mkdir()
    (home / "key").write_text(KEYS[0])
    with running("zai") as service:
        service.answer_with(competent, always=True)
        upstream = (
            f'[[upstreams]]\nname = "zai"\nprofile = "zai"\nbase_url = "{service.base_url}"\n'
            'credentials = ["file:key"]\n'
        ) + "".join(f'[[models]]\nname = "{name}"\nroute = [{{ upstream = "zai" }}]\n' for name in NAMES)
        with serving(home, SETTINGS + upstream) as served:
            yield Chain(service, served)


@pytest.fixture(scope="session")
def built_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """glmgate with nothing but its built-in models."""
    with serving(tmp_path_factory.mktemp("standard-built-in")) as served:
        yield served


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables with which the suite's downloads come from this machine."""
    with proxied(tmp_path_factory.mktemp("downloads")) as variables:
        yield variables
