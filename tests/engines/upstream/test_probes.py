"""Tests of asking: what is sent, how much of it, and what is made of the answers, over real connections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from glmgate.adaptation.profile import shipped
from glmgate.engines.upstream import probes
from glmgate.engines.upstream.probes import ANSWER_TOKENS, Asker, Budget, BudgetSpent, Target
from glmgate.engines.upstream.secret import Secret
from glmgate.engines.upstream.surfaces import Place, directory
from glmgate.transport.aiohttp import AiohttpTransport
from tests.cli.doctor.loopback import KEY, Reply, answer, events, message, models, refused, serving


@pytest.fixture
async def transport() -> AsyncIterator[AiohttpTransport]:
    """The transport that the program uses."""
    made = AiohttpTransport(keep_connections=False)
    yield made
    await made.aclose()


def target(url: str, *, profile: str = "generic", keyed: bool = True) -> Target:
    """A place on loopback."""
    place = Place(base_url=url, title="loopback")
    return Target(place=place, profile=shipped(profile), credential=Secret(KEY) if keyed else None, model="m")


async def test_no_more_is_sent_than_the_budget(transport: AiohttpTransport) -> None:
    """Plain and streamed questions count; lists of models do not."""
    with serving({"/v1/models": models("m"), "/v1/chat/completions": answer}) as service:
        asker, asked = Asker(transport, Budget(2)), target(f"{service.url}/v1")
        await asker.ask(asked)
        await asker.ask_stream(asked)
        for ask in (asker.ask, asker.ask_stream):
            with pytest.raises(BudgetSpent):
                await ask(asked)
        await asker.models(asked)
    assert (len(service.questions), asker.budget.used, asker.budget.left) == (2, 2, 0)


@pytest.mark.parametrize(("profile", "limit"), [("generic", "max_tokens"), ("openai", "max_completion_tokens")])
async def test_a_question_is_small(transport: AiohttpTransport, profile: str, limit: str) -> None:
    """16 tokens, under the name that the profile has for them; the key as its only header."""
    with serving({"/v1/chat/completions": answer}) as service:
        said = await Asker(transport, Budget(1)).ask(target(f"{service.url}/v1", profile=profile))
    [asked] = service.asked
    assert said.trouble is None
    assert asked.body[limit] == ANSWER_TOKENS
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert "x-api-key" not in asked.headers


async def test_without_a_key_none_is_sent(transport: AiohttpTransport) -> None:
    """Servers of one's own need none."""
    with serving({"/v1/chat/completions": answer}) as service:
        await Asker(transport, Budget(1)).ask(target(f"{service.url}/v1", keyed=False))
    assert "authorization" not in service.asked[0].headers


async def test_the_other_dialect_has_its_own_path_and_headers(transport: AiohttpTransport) -> None:
    """Blocks of content, a version, and the key in a header of its own."""
    with serving({"/api/anthropic/v1/messages": message}) as service:
        usual = target(f"{service.url}/api/anthropic")
        asked = replace(usual, place=replace(usual.place, dialect="messages"))
        said = await Asker(transport, Budget(1)).ask(asked)
    assert said.answer is not None
    assert said.answer.content == "OK"
    headers = service.asked[0].headers
    assert (headers["x-api-key"], headers["anthropic-version"]) == (KEY, "2023-06-01")


async def test_a_stream_is_read_to_its_end(transport: AiohttpTransport) -> None:
    """How many events, what they say, and when the first bytes came."""
    with serving({"/v1/chat/completions": events({"content": "O"}, {"content": "K"}, finish="stop")}) as service:
        said = await Asker(transport, Budget(1)).ask_stream(target(f"{service.url}/v1"))
    assert said.answer is not None
    assert (said.answer.content, said.answer.pieces, said.answer.finish) == ("OK", 3, "stop")
    assert said.first_ms is not None
    assert said.first_ms <= said.ms


async def test_a_stream_that_is_none_is_told(transport: AiohttpTransport) -> None:
    """A page with 200, and a refusal."""
    with serving({"/v1/chat/completions": Reply(b"<html>")}) as page:
        said = await Asker(transport, Budget(1)).ask_stream(target(f"{page.url}/v1"))
    assert (said.trouble, said.message) == ("no_service", "a web page")
    with serving({"/v1/chat/completions": refused(429, "1113")}) as poor:
        said = await Asker(transport, Budget(1)).ask_stream(target(f"{poor.url}/v1", profile="zai"))
    assert said.trouble == "quota"


async def test_models_are_listed_with_what_they_are(transport: AiohttpTransport) -> None:
    """A server of our own says which of them chat."""
    rows = [{"id": "a", "owned_by": "x", "kind": "chat"}, {"id": "b", "owned_by": "x", "kind": "embedding"}]
    with serving({"/v1/models": Reply({"data": rows})}) as service:
        listing = await Asker(transport, Budget(0)).models(target(f"{service.url}/v1"))
    assert (listing.models, listing.chat, listing.owners) == (("a", "b"), ("a",), ("x",))


async def test_a_server_is_asked_only_until_it_is_recognised(transport: AiohttpTransport) -> None:
    """Its list tells at once; else the paths that kinds of servers have, each once."""
    with serving({"/v1/models": models("m", owner="vllm"), "/version": Reply({"version": "0.32"})}) as service:
        asker, asked = Asker(transport, Budget(0)), target(f"{service.url}/v1")
        listing = await asker.models(asked)
        found = await asker.server(listing, asked, directory())
        assert found is not None
        assert (found[0].profile, len(service.asked)) == ("vllm", 1)
        found = await asker.server(replace(listing, owners=()), asked, directory())
    assert found is not None
    assert (found[0].profile, found[1]) == ("vllm", "0.32")
    paths = [each.path for each in service.asked[1:]]
    assert sorted(set(paths)) == sorted(paths)


@pytest.mark.parametrize(
    ("profile", "on", "off"),
    [
        ("zai", {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}}),
        (
            "vllm",
            {"chat_template_kwargs": {"enable_thinking": True}},
            {"chat_template_kwargs": {"enable_thinking": False}},
        ),
        ("generic", {"reasoning_effort": "low"}, {"reasoning_effort": "none"}),
    ],
)
def test_thinking_is_switched_as_the_profile_says(profile: str, on: object, off: object) -> None:
    """In the member that the service has for it."""
    assert probes.thinking(shipped(profile), on=True) == on
    assert probes.thinking(shipped(profile), on=False) == off


def test_what_cannot_be_switched_is_not_asked_for() -> None:
    """A model that always thinks, and one that never does."""
    assert probes.thinking(shipped("zai").for_family("glm-5.3"), on=False) == {}
    assert probes.thinking(shipped("zai").for_family("glm-4-plus"), on=True) == {}
