"""Webhooks: what is posted, how it is signed, and what comes of every answer."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from glmgate.engines.moderation.webhook import Webhook
from glmgate.engines.upstream.secret import Secret
from glmgate.errors import EngineFailed
from glmgate.transport.errors import ConnectFailed
from glmgate.wire.moderation import Judgement
from tests.engines.moderation.asked import CALL, PASSAGES, FakeTransport

URL = "https://hooks.example/judge"


def webhook(transport: FakeTransport, secret: Secret | None = None) -> Webhook:
    """A webhook at half past a day."""
    return Webhook("house", URL, transport=transport, secret=secret, clock=lambda: 1_800_000_000.9)


async def test_texts_are_posted_with_whose_they_are() -> None:
    """The form that the page describes."""
    transport = FakeTransport(b'{"flagged": false}')
    assert await webhook(transport).judge(CALL, "input", PASSAGES) == Judgement(flagged=False)
    assert transport.last == {
        "version": 1,
        "filter": "house",
        "direction": "input",
        "request": "uid-1",
        "model": "glm-4.6",
        "organisation": "org",
        "project": "proj",
        "key": "key-1",
        "texts": [{"place": "messages[0]", "text": "first text"}, {"place": "messages[1]", "text": "second"}],
    }
    assert transport.sent[0].url == URL
    assert "x-glmgate-signature" not in transport.sent[0].headers


async def test_a_post_is_signed() -> None:
    """Over the time and the body, so that neither can be changed."""
    transport = FakeTransport(b'{"flagged": true, "categories": ["hate"], "more": 1}')
    judgement = await webhook(transport, Secret("a-secret")).judge(CALL, "output", PASSAGES)
    assert judgement == Judgement(flagged=True, categories=("hate",))
    (sent,) = transport.sent
    assert sent.body is not None
    expected = hmac.new(b"a-secret", b"1800000000." + sent.body, hashlib.sha256).hexdigest()
    assert sent.headers["x-glmgate-timestamp"] == "1800000000"
    assert sent.headers["x-glmgate-signature"] == f"sha256={expected}"


@pytest.mark.parametrize(
    ("transport", "says"),
    [
        (FakeTransport(b"{}"), "no judgement"),
        (FakeTransport(b'{"flagged": "first text"}'), "no judgement"),
        (FakeTransport(b"first text"), "no judgement"),
        (FakeTransport(b"first text", status=500), "status 500"),
        (FakeTransport(error=ConnectFailed("no")), "could not be reached"),
    ],
)
async def test_anything_else_is_no_judgement(transport: FakeTransport, says: str) -> None:
    """The error names the filter and repeats nothing."""
    with pytest.raises(EngineFailed, match=says) as raised:
        await webhook(transport).judge(CALL, "input", PASSAGES)
    assert "'house'" in raised.value.message
    assert "first text" not in repr(raised.value) + repr(raised.value.__cause__)
