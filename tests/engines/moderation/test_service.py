"""A service's moderations, in OpenAI's shape and in GLM's."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from glmgate.adaptation.profile import shipped
from glmgate.engines.moderation.service import ServiceModerator
from glmgate.engines.upstream.secret import Secret
from glmgate.engines.upstream.settings import Upstream
from glmgate.errors import EngineFailed, GlmgateError
from glmgate.transport.errors import ConnectFailed
from glmgate.wire.delta import Usage
from glmgate.wire.moderation import Judgement
from tests.engines.moderation.asked import CALL, PASSAGES, FakeTransport


def moderator(transport: FakeTransport, model: str | None = "moderation") -> ServiceModerator:
    """A service's."""
    upstream = Upstream(name="it", base_url="https://it.example/v4", profile=shipped("zai"))
    return ServiceModerator(upstream, model=model, secret=Secret("k.s"), transport=transport)


async def judged(answer: dict[str, Any]) -> Judgement:
    """What an answer means."""
    return await moderator(FakeTransport(msgspec.json.encode(answer))).judge(CALL, "input", PASSAGES)


async def test_all_texts_are_sent_as_one() -> None:
    """With our credential, and the model where one is set."""
    transport = FakeTransport(b'{"results": []}')
    await moderator(transport).judge(CALL, "input", PASSAGES)
    assert transport.last == {"input": "first text\n\nsecond", "model": "moderation"}
    assert transport.sent[0].url == "https://it.example/v4/moderations"
    assert transport.sent[0].headers["Authorization"] == "Bearer k.s"
    await moderator(transport, None).judge(CALL, "input", PASSAGES)
    assert "model" not in transport.last


@pytest.mark.parametrize(
    ("answer", "judgement"),
    [
        (
            {"results": [{"flagged": True, "categories": {"hate": True, "violence": False, "new": None}}]},
            Judgement(flagged=True, categories=("hate",)),
        ),
        ({"results": [{"flagged": False, "categories": {"hate": False}}]}, Judgement(flagged=False)),
        ({"result_list": [{"content_type": "text", "risk_level": "PASS", "risk_type": []}]}, Judgement(flagged=False)),
        (
            {"result_list": [{"risk_level": "REJECT", "risk_type": ["politics"]}], "usage": {}},
            Judgement(flagged=True, categories=("politics",), usage=Usage()),
        ),
        ({"result_list": [{"risk_level": "REVIEW", "risk_type": []}]}, Judgement(flagged=True)),
        ({"results": [], "result_list": []}, Judgement(flagged=False)),
    ],
)
async def test_both_shapes_are_understood(answer: dict[str, Any], judgement: Judgement) -> None:
    """A doubtful text (REVIEW) does not pass either."""
    assert await judged(answer) == judgement


async def test_the_tokens_that_a_service_tells_go_with_its_judgement() -> None:
    """GLM tells them, OpenAI does not."""
    told = {"result_list": [], "usage": {"prompt_tokens": 7, "completion_tokens": 1, "moderation_text": {"call": 1}}}
    assert (await judged(told)).usage == Usage(7, 1)
    assert (await judged({"results": []})).usage is None


@pytest.mark.parametrize("body", [b"{}", b"first text", b'{"results": [{"flagged": "first text"}]}'])
async def test_anything_else_is_no_judgement(body: bytes) -> None:
    """The error repeats nothing."""
    with pytest.raises(EngineFailed, match="no judgement") as raised:
        await moderator(FakeTransport(body)).judge(CALL, "input", PASSAGES)
    assert "first text" not in repr(raised.value) + repr(raised.value.__cause__)


@pytest.mark.parametrize(
    "transport", [FakeTransport(b'{"error": {"code": "1113"}}', status=429), FakeTransport(error=ConnectFailed("no"))]
)
async def test_a_service_that_fails_raises_what_that_means(transport: FakeTransport) -> None:
    """As anywhere else."""
    with pytest.raises(GlmgateError):
        await moderator(transport).judge(CALL, "input", PASSAGES)
