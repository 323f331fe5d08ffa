"""Filters around a request: what goes on, what the client sees, what is counted, and that no text is ever told."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pytest

from glmgate.errors import ContentFiltered, EngineFailed, Unavailable
from glmgate.gateway.filtering import Filters
from glmgate.policy.endings import Ending
from glmgate.policy.filters.chain import Filter, HookFilter, SizeFilter, TextFilter, UnknownFilter
from glmgate.wire.chat import ChatRequest, Message
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.delta import Delta, Usage
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.engine import Call, Caller, FilterUse
from glmgate.wire.rerank import RerankRequest
from glmgate.wire.terms import Scope, Terms
from glmgate.wire.tokenizer import TokenizerRequest
from tests.fakes.engine import FakeEngine
from tests.fakes.moderator import FakeModerator
from tests.gateway.requests import Watched, around
from tests.policy.filters.making import CARD, MAIL, kind_rule, words

END = Delta(finish_reason="stop", usage=Usage(3, 1))


def mail(**members: Any) -> TextFilter:
    """Masks addresses."""
    return TextFilter(rule=kind_rule("email", name="mail"), **members)


def card(**members: Any) -> TextFilter:
    """Refuses cards."""
    return TextFilter(rule=kind_rule("card", "refuse"), **members)


def filters(*known: Filter, word_check: str = "", default: Sequence[str] | None = None) -> Filters:
    """These filters, all of them for everybody unless some are named."""
    names = [each.name for each in known] if default is None else default
    return Filters({each.name: each for each in known}, tuple(names), word_check)


def gateway(engine: FakeEngine, used: Filters) -> Watched:
    """A gateway with filters."""
    watched = around(engine)
    watched.gateway.filters = used
    return watched


def saying(*texts: str) -> FakeEngine:
    """An engine that says this, a text for each read."""
    return FakeEngine([[*((Delta(content=text),) for text in texts), (END,)]])


def asking(terms: Terms | None = None, *, strict: bool = False) -> Call:
    """A call of a key with these terms."""
    scopes = () if terms is None else (Scope("key", "k-1", terms),)
    return Call(request_id="r-1", caller=Caller("k-1", scopes=scopes), surface="openai", strict=strict)


def chat(text: str = "hi", **members: Any) -> ChatRequest:
    """A chat request."""
    return ChatRequest(model="tiny", messages=[Message(role="user", content=text)], **members)


async def answer(
    watched: Watched, request: ChatRequest, call: Call | None = None
) -> tuple[str, str | None, list[Delta]]:
    """The text and the finish reason of an answer, and its deltas."""
    async with watched.gateway.generate(call or asking(), request) as answering:
        deltas = [delta async for read in answering.deltas for delta in read]
    text = "".join(delta.content or "" for delta in deltas)
    return text, next((delta.finish_reason for delta in deltas if delta.finish_reason), None), deltas


async def test_what_is_masked_is_all_that_the_engine_sees() -> None:
    """And the report and the record say how often, not what."""
    engine = saying("ok")
    watched, call = gateway(engine, filters(mail())), asking()
    await answer(watched, chat(f"I am {MAIL}"), call)
    assert engine.requests[0].messages[0].content == "I am [e-mail]"  # type: ignore[union-attr]  # a chat request
    assert [str(note) for note in call.notes] == ["messages=masked:1"]
    assert watched.record.filtered == ((FilterUse("mail", "input", "mask"), 1),)


async def test_a_refused_request_reaches_nobody() -> None:
    """Its ending is that it was filtered."""
    engine = saying("ok")
    watched = gateway(engine, filters(card()))
    with pytest.raises(ContentFiltered) as raised:
        await answer(watched, chat(f"pay {CARD}, now"))
    assert (raised.value.param, engine.requests) == ("messages[0]", [])
    assert (watched.record.ending, watched.record.error_code) == (Ending.FILTERED, "content_filter")
    assert watched.record.filtered == ((FilterUse("card", "input", "refuse"), 1),)


async def test_an_answer_is_masked_on_its_way_out() -> None:
    """Though it comes in pieces; what is said about it comes at its end."""
    watched, call = gateway(saying("I am jane.", "doe@exam", "ple.com, yes"), filters(mail())), asking()
    assert (await answer(watched, chat(), call))[:2] == ("I am [e-mail], yes", "stop")
    assert [str(note) for note in call.notes] == ["answer=masked:1"]
    assert watched.record.ending is Ending.COMPLETED


async def test_a_refused_answer_ends_there_and_the_engine_is_left() -> None:
    """The rest of it is not waited for."""
    engine = saying("pay ", CARD, ", or", " else")
    watched = gateway(engine, filters(card()))
    assert (await answer(watched, chat()))[:2] == ("pay ", "sensitive")
    assert (engine.open, engine.left) == (0, 1)
    assert (watched.record.ending, watched.record.filtered) == (
        Ending.FILTERED,
        ((FilterUse("card", "output", "refuse"), 1),),
    )


async def test_the_other_choices_of_a_refused_one_go_on() -> None:
    """Only when all are refused the answer is over."""
    reads = [
        (Delta(choice=0, content=f"{CARD}, "), Delta(choice=1, content="fine")),
        (END, Delta(choice=1, finish_reason="stop")),
    ]
    watched = gateway(FakeEngine([reads]), filters(card()))
    _, _, deltas = await answer(watched, chat(n=2))
    assert {delta.choice: delta.finish_reason for delta in deltas if delta.finish_reason} == {0: "sensitive", 1: "stop"}


async def test_each_prompt_of_a_completion_has_its_choices() -> None:
    """The answer is not over when those of the first are refused."""
    reads = [(Delta(choice=0, content=f"{CARD}, "),), (Delta(choice=1, content="fine", finish_reason="stop"),)]
    watched = gateway(FakeEngine([reads]), filters(card()))
    request = CompletionRequest(model="tiny", prompt=["a", "b"])
    async with watched.gateway.generate(asking(), request) as answering:
        reasons = {each.choice: each.finish_reason async for read in answering.deltas for each in read}
    assert reasons == {0: "sensitive", 1: "stop"}


async def test_filters_look_one_way_where_they_are_told_to() -> None:
    """The other way nothing is touched."""
    engine = saying(f"{MAIL} ")
    watched = gateway(engine, filters(mail(side="input")))
    assert (await answer(watched, chat(MAIL)))[0] == f"{MAIL} "
    watched = gateway(engine, filters(mail(side="output")))
    await answer(watched, chat(MAIL))
    assert engine.requests[-1].messages[0].content == MAIL  # type: ignore[union-attr]  # a chat request


async def test_a_key_has_filters_of_its_own() -> None:
    """Others do not meet them."""
    used = filters(mail(), default=())
    text, _, _ = await answer(gateway(saying(f"{MAIL} "), used), chat(), asking(Terms(filters=("mail",))))
    assert text == "[e-mail] "
    assert (await answer(gateway(saying(f"{MAIL} "), used), chat()))[0] == f"{MAIL} "


async def test_a_filter_that_is_missing_lets_nothing_pass(caplog: pytest.LogCaptureFixture) -> None:
    """The log and the metrics say so."""
    engine = saying("ok")
    watched = gateway(engine, filters(mail()))
    with pytest.raises(UnknownFilter, match="'gone'"):
        await answer(watched, chat(), asking(Terms(filters=("gone",))))
    assert engine.requests == []
    assert watched.record.filtered == ((FilterUse("unknown", "input", "missing"), 1),)
    assert "'gone'" in caplog.text


async def test_log_probabilities_are_not_asked_for() -> None:
    """They would spell out what is masked; the report says so."""
    engine, call = saying("ok"), asking()
    await answer(gateway(engine, filters(mail())), chat(logprobs=True, top_logprobs=3), call)
    assert (engine.requests[0].logprobs, [str(note) for note in call.notes]) == (None, ["logprobs=omitted"])


async def test_other_requests_are_filtered_too() -> None:
    """Embeddings, documents and what is counted."""
    engine = FakeEngine()
    watched = gateway(engine, filters(mail()))
    await watched.gateway.embed(asking(), EmbeddingsRequest(model="mini", input=["x", MAIL]))
    await watched.gateway.rerank(asking(), RerankRequest(model="mini", query="q", documents=[MAIL, "x"]))
    await watched.gateway.count(asking(), TokenizerRequest(model="tiny", messages=[Message(role="user", content=MAIL)]))
    assert MAIL not in str(engine.embedded) + str(engine.counted)
    assert str(engine.embedded).count("[e-mail]") == 2
    assert str(engine.counted).count("[e-mail]") == 1


async def test_long_requests_are_filtered_beside_the_loop() -> None:
    """With the same outcome."""
    engine, call = saying("ok"), asking()
    await answer(gateway(engine, filters(mail())), chat(f"{'x' * 200_000} {MAIL}"), call)
    assert str(engine.requests[0].messages[0].content).endswith(" [e-mail]")  # type: ignore[union-attr]  # a chat request
    assert [str(note) for note in call.notes] == ["messages=masked:1"]


class TestWordCheck:
    """GLM's `sensitive_word_check` (contract 3.1)."""

    LIST = TextFilter(rule=words("forbidden"))

    @pytest.mark.parametrize(
        ("status", "after"), [("ENABLE", "*** fruit"), ("DISABLE", "forbidden fruit"), (None, "forbidden fruit")]
    )
    async def test_it_switches_a_filter_on(self, status: str | None, after: str) -> None:
        """The one that the settings name."""
        engine, call = saying("ok"), asking()
        check = {} if status is None else {"sensitive_word_check": {"type": "ALL", "status": status}}
        await answer(
            gateway(engine, filters(self.LIST, word_check="words", default=())),
            chat("forbidden fruit", unknown=check),
            call,
        )
        assert engine.requests[0].messages[0].content == after  # type: ignore[union-attr]  # a chat request
        assert ("sensitive_word_check=emulated" in map(str, call.notes)) is (status == "ENABLE")
        assert call.obeyed == (frozenset({"sensitive_word_check"}) if status == "ENABLE" else frozenset())

    async def test_it_switches_nothing_off(self) -> None:
        """What an administrator set holds."""
        engine = saying("ok")
        check = {"sensitive_word_check": {"type": "ALL", "status": "DISABLE"}}
        await answer(gateway(engine, filters(self.LIST, word_check="words")), chat("forbidden", unknown=check))
        assert engine.requests[0].messages[0].content == "***"  # type: ignore[union-attr]  # a chat request


def hook(moderator: FakeModerator, **members: Any) -> HookFilter:
    """A hook that is asked."""
    return HookFilter(name="hook", hook=moderator, **members)


class TestHooks:
    """Whoever is asked about texts."""

    async def test_it_sees_what_is_masked_already(self) -> None:
        """Both ways; and lets pass what is fine."""
        moderator = FakeModerator()
        watched = gateway(saying("I am ", f"{MAIL} "), filters(hook(moderator), mail()))
        assert (await answer(watched, chat(MAIL)))[:2] == ("I am [e-mail] ", "stop")
        assert [direction for direction, _ in moderator.shown] == ["input", "output"]
        assert moderator.texts == ["[e-mail]", "I am [e-mail] "]

    async def test_it_refuses_a_request(self) -> None:
        """The error names the filter and what is wrong."""
        watched = gateway(saying("ok"), filters(hook(FakeModerator())))
        with pytest.raises(ContentFiltered, match=r"'hook' refuses the request \(hate\)"):
            await answer(watched, chat("bad"))
        assert watched.record.filtered == ((FilterUse("hook", "input", "refuse"), 1),)

    async def test_it_refuses_an_answer_before_anything_of_it_leaves(self) -> None:
        """The tokens that it cost are told."""
        watched = gateway(saying("so ", "bad"), filters(hook(FakeModerator(), side="output")))
        text, reason, deltas = await answer(watched, chat())
        assert (text, reason, deltas[-1].usage) == ("", "sensitive", Usage(3, 1))
        assert watched.record.ending is Ending.FILTERED

    async def test_it_is_asked_every_so_often(self) -> None:
        """Each part with the part before it; what was let through has left."""
        moderator = FakeModerator()
        watched = gateway(
            saying("aaaa", "bbbb", "cccc", "ba", "d", "x"), filters(hook(moderator, side="output", every=4))
        )
        assert (await answer(watched, chat()))[:2] == ("aaaabbbbcccc", "sensitive")
        assert moderator.texts == ["aaaa", "aaaabbbb", "bbbbcccc", "ccccbadx"]

    @pytest.mark.parametrize("moderator", [FakeModerator(error=EngineFailed("away")), FakeModerator(silent=True)])
    @pytest.mark.parametrize("side", ["input", "output"])
    async def test_without_an_answer_the_setting_decides(
        self, moderator: FakeModerator, side: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Open: texts pass; closed: they do not. Both are counted and logged."""
        used = filters(hook(moderator, side=side, is_open=True, timeout_s=0.01))
        watched = gateway(saying("bad"), used)
        assert (await answer(watched, chat("bad")))[0] == "bad"
        assert watched.record.filtered == ((FilterUse("hook", side, "failed_open"), 1),)
        watched = gateway(saying("bad"), filters(hook(moderator, side=side, timeout_s=0.01)))
        with pytest.raises(Unavailable, match="'hook'"):
            await answer(watched, chat("bad"))
        assert watched.record.filtered == ((FilterUse("hook", side, "failed_closed"), 1),)
        assert caplog.text.count("could not be asked") == 2
        assert "bad" not in caplog.text


async def test_no_text_is_ever_told(caplog: pytest.LogCaptureFixture) -> None:
    """Not in errors, notes, records or log lines, whatever a filter does."""
    caplog.set_level(logging.DEBUG)
    hidden = (MAIL, CARD, "forbidden", "jane", "4111")
    told: list[str] = []
    for used in (
        filters(mail(), card(side="output"), TextFilter(rule=words("forbidden"))),
        filters(card()),
        filters(SizeFilter(name="size", most=10)),
        filters(hook(FakeModerator(bad="forbidden"))),
        filters(hook(FakeModerator(error=EngineFailed("away")))),
    ):
        watched, call = gateway(saying(f"{MAIL} forbidden ", f"{CARD}, "), used), asking()
        try:
            await answer(watched, chat(f"forbidden {MAIL} {CARD}, "), call)
        except (ContentFiltered, Unavailable) as error:
            told.append(repr(error) + str(error.__cause__))
        told += [repr(watched.record), repr(call), repr(used)]
    text = caplog.text + "".join(told)
    assert not [word for word in hidden if word in text]
