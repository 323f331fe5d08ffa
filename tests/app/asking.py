"""What tests of the whole program are built from: settings for loopback services, and requests to the gateway."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glmgate.app import App
from glmgate.settings import Settings, load
from glmgate.wire.chat import ChatRequest, Message
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Caller
from tests.services import KEYS, Service

ENVIRONMENT = {f"KEY_{place}": key for place, key in enumerate(KEYS)}
"""The services' credentials as variables."""


def upstream(name: str, service: Service, *, keys: int = 1, profile: str = "", more: str = "") -> str:
    """A table of the settings file for a service."""
    credentials = ", ".join(f'"env:KEY_{place}"' for place in range(keys))
    return (
        f'[[upstreams]]\nname = "{name}"\nprofile = "{profile or service.kind.name}"\n'
        f'base_url = "{service.base_url}"\ncredentials = [{credentials}]\n{more}\n'
    )


def settings(home: Path, text: str, *, auth: bool = False, environment: Mapping[str, str] = ENVIRONMENT) -> Settings:
    """The settings with `text` as the home's file."""
    home.mkdir(exist_ok=True)
    (home / "glmgate.toml").write_text(text)
    return load(environment=environment, home=home, flags={("server", "auth"): auth})


def moved(found: Settings, service: Service) -> Settings:
    """The settings, with the service in the environment at the place of `service`."""
    places = tuple(
        dataclasses.replace(each, upstream=dataclasses.replace(each.upstream, base_url=service.base_url))
        for each in found.found
    )
    return dataclasses.replace(found, found=places)


async def said(app: App, model: str, text: str = "hi", *, asked: Call | None = None, **members: Any) -> tuple[str, str]:
    """Who answers a chat, and with which text."""
    body = ChatRequest(model=model, messages=[Message(role="user", content=text)], **members)
    async with app.gateway.generate(asked or call(), body) as answer:
        words = [delta.content or "" async for deltas in answer.deltas for delta in deltas]
    return answer.model, "".join(words)


async def embedded(app: App, model: str, *texts: str) -> tuple[str, int]:
    """Who embeds texts, and the size of the vectors."""
    found = await app.gateway.embed(call(), EmbeddingsRequest(model=model, input=list(texts)))
    return found.model, len(found.embeddings.vectors[0])


def call(**changes: Any) -> Call:
    """A call."""
    return dataclasses.replace(Call(request_id="r-1", caller=Caller("k-1"), surface="openai"), **changes)
