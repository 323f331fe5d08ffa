"""Filters of the whole program: hooks are really asked, and a reload changes what is filtered."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from glmgate.app import opened
from glmgate.errors import ContentFiltered, QuotaExhausted, Unavailable
from glmgate.wire.engine import Call, Caller, new_uid
from glmgate.wire.terms import Budget, Scope, Terms
from tests.app.asking import ENVIRONMENT, call, said, settings, upstream
from tests.fakes.accounts import put
from tests.services import service
from tests.transport.loopback import peer, reply

GLM_LOCAL = "[routing]\nenvironment = false\n"
GLM = '[[models]]\nname = "glm-4.6"\n'


async def test_a_webhook_is_asked_over_http(tmp_path: Path) -> None:
    """It judges the request and the answer; what it flags does not pass."""

    async def judge(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flagged = b"bad" in hook.bodies[-1]
        writer.write(reply(json.dumps({"flagged": flagged, "categories": ["rude"]}).encode()))

    async with service("zai") as zai, peer(judge) as hook:
        text = f'[[filters]]\nname = "house"\nkind = "webhook"\nurl = "{hook.url}judge"\nsecret = "env:HOOK_SECRET"\n'
        text += '[filtering]\ndefault = ["house"]\n'
        given = settings(tmp_path, upstream("zai", zai) + GLM + text, environment={**ENVIRONMENT, "HOOK_SECRET": "s"})
        async with opened(given) as app:
            assert (await said(app, "glm-4.6", "good"))[1] == "Hello from the service."
            with pytest.raises(ContentFiltered, match=r"\(rude\)"):
                await said(app, "glm-4.6", "bad")
            zai.answer_with("so bad")
            assert (await said(app, "glm-4.6", "good"))[1] == ""
    posts: list[dict[str, Any]] = [json.loads(body) for body in hook.bodies]
    assert [post["direction"] for post in posts] == ["input", "output", "input", "input", "output"]
    assert posts[0]["texts"] == [{"place": "messages[0]", "text": "good"}]
    assert all(b"x-glmgate-signature: sha256=" in head for head in hook.heads)


@pytest.mark.parametrize("fail", ["open", "closed"])
async def test_a_webhook_that_is_away(tmp_path: Path, fail: str) -> None:
    """Texts pass, or nothing does, as the setting says."""
    async with service("zai") as zai:
        hook = f'[[filters]]\nname = "house"\nkind = "webhook"\nurl = "http://127.0.0.1:9/"\nfail = "{fail}"\n'
        text = upstream("zai", zai) + GLM + hook + '[filtering]\ndefault = ["house"]\n'
        async with opened(settings(tmp_path, text)) as app:
            if fail == "open":
                assert (await said(app, "glm-4.6"))[1] == "Hello from the service."
            else:
                with pytest.raises(Unavailable, match="'house'"):
                    await said(app, "glm-4.6")


async def test_a_model_is_asked_and_its_calls_are_counted(tmp_path: Path) -> None:
    """Each of its answers is an attempt of the request that it judges."""
    async with service("zai") as zai:
        text = '[[filters]]\nname = "guard"\nkind = "moderation"\nmodel = "glm-4.6"\ndirection = "input"\n'
        text += '[filtering]\ndefault = ["guard"]\n'
        async with opened(settings(tmp_path, upstream("zai", zai) + GLM + text)) as app:
            zai.answer_with("no", "fine")
            asked = call()
            assert (await said(app, "glm-4.6", "x", asked=asked))[1] == "fine"
            assert [attempt.outcome for attempt in asked.attempts] == ["ok", "ok"]
            zai.answer_with("yes")
            with pytest.raises(ContentFiltered, match="'guard'"):
                await said(app, "glm-4.6", "x")


@pytest.mark.parametrize("model", [None, "guard-1"])
async def test_a_services_moderations_are_attempts_too(tmp_path: Path, model: str | None) -> None:
    """Of the request and of the answer, by the filter's model or the name for none, with what the service tells."""
    name = model or "moderations"

    async def judge(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(b'{"results": [{"flagged": false}], "usage": {"prompt_tokens": 5}}'))

    async with service("zai") as zai, peer(judge) as other:
        text = f'[[upstreams]]\nname = "guard"\nprofile = "openai"\nbase_url = "{other.url}v1"\n'
        text += '[[filters]]\nname = "hate"\nkind = "moderation"\nupstream = "guard"\n'
        text += f'model = "{model}"\n' if model else ""
        text += f'[[prices]]\nmodel = "{name}"\ncurrency = "USD"\ncall = 0.5\n[filtering]\ndefault = ["hate"]\n'
        routed = upstream("zai", zai) + GLM + 'route = [{ upstream = "zai" }]\n'
        async with opened(settings(tmp_path, routed + text)) as app:
            asked = call()
            await said(app, "glm-4.6", "x", asked=asked)
    assert [attempt.deployment for attempt in asked.attempts].count(f"guard/{name}") == 2
    costs = [(charge.usage.prompt, charge.amount) for charge in asked.charges if charge.price == f"*/{name}@always"]
    assert costs == [(5, 500_000_000)] * 2


async def test_budgets_pay_for_what_filters_ask(tmp_path: Path) -> None:
    """What a model's judgement costs is spent at once, so that a hard budget holds."""

    def asked(limit: int) -> Call:
        terms = Terms(budgets=(Budget(limit=str(limit), unit="tokens"),))
        return call(uid=new_uid(), caller=Caller("k-1", scopes=(Scope("key", "k-1", terms),)))

    async with service("zai") as zai:
        text = '[[filters]]\nname = "guard"\nkind = "moderation"\nmodel = "glm-4.6"\ndirection = "input"\n'
        text += '[filtering]\ndefault = ["guard"]\n'
        async with opened(settings(tmp_path, upstream("zai", zai) + GLM + text)) as app:
            zai.answer_with("no", "fine")
            first = asked(100_000)
            await said(app, "glm-4.6", asked=first, max_tokens=10)
            judged, answered = (charge.usage.total for charge in first.charges)
            with pytest.raises(QuotaExhausted, match="and 0 tokens are left"):
                await said(app, "glm-4.6", asked=asked(judged + answered), max_tokens=10)
            assert len(zai.requests) == 2


async def test_changed_filters_hold_after_a_reload(tmp_path: Path) -> None:
    """As changed models do."""
    async with service("zai") as zai:
        words = '[[filters]]\nname = "list"\nkind = "words"\nwords = ["{}"]\n[filtering]\ndefault = ["list"]\n'
        text = upstream("zai", zai) + GLM
        first = settings(tmp_path, text + words.format("Hello"))
        async with opened(first, reread=lambda: settings(tmp_path, text + words.format("service"))) as app:
            assert (await said(app, "glm-4.6"))[1] == "*** from the service."
            assert await app.reloads.reload()
            assert (await said(app, "glm-4.6"))[1] == "Hello from the ***."


async def test_terms_that_name_a_missing_filter_are_told_at_the_start(tmp_path: Path) -> None:
    """Those of live keys; before a request is refused for it."""
    given = settings(tmp_path, GLM_LOCAL, auth=True)
    with capture_logs() as before:
        async with opened(given) as app:
            assert app.accounts is not None
            keyring, store = app.accounts.keyring, app.accounts.store
            for name in ("lost", "gone"):
                key = await keyring.create(name)
                await put(store, replace(key, terms=Terms(filters=(name,))))
                if name == "gone":
                    await keyring.revoke(key.id)
    with capture_logs() as after:
        async with opened(given):
            pass
    told = [[line["filters"] for line in lines if "terms name filters" in line["event"]] for lines in (before, after)]
    assert told == [[], [["lost"]]]
