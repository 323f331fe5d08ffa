"""A chat model that judges: its yes and no, what it costs, and what it is not told."""

from __future__ import annotations

import pytest

from glmgate.errors import ContentFiltered, EngineFailed
from glmgate.gateway.asking import ModelModerator
from glmgate.routing.catalogue import Catalogue, Deployment
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta
from glmgate.wire.engine import Call, Caller, Note
from glmgate.wire.moderation import Passage
from tests.fakes.engine import FakeEngine

PASSAGES = (Passage("messages[0]", "one"), Passage("messages[1]", "two"))


def moderator(engine: FakeEngine) -> ModelModerator:
    """A moderator on a model."""
    catalogue = Catalogue([Deployment(name="guard", engine=engine, kind="chat")])
    return ModelModerator("guard", lambda: catalogue)


def asking() -> Call:
    """The call of the request that is judged."""
    return Call(request_id="r", caller=Caller("k"), surface="zai", strict=True, notes=[Note("a", "b", exact=False)])


@pytest.mark.parametrize(
    ("says", "flagged"),
    [
        ("yes", True),
        ("Yes.", True),
        (" NO", False),
        ("unsafe\nS1", True),
        ("safe", False),
        ("是。", True),
        ("否", False),
    ],
)
async def test_a_word_is_a_judgement(says: str, *, flagged: bool) -> None:
    """Of the models that are made for it, too."""
    engine = FakeEngine([[(Delta(content=says[:2]),), (Delta(content=says[2:], finish_reason="stop"),)]])
    assert (await moderator(engine).judge(asking(), "input", PASSAGES)).flagged is flagged


async def test_it_is_asked_about_all_texts_at_once() -> None:
    """As a call of its own, that leaves nothing in the report of the other."""
    engine = FakeEngine([[(Delta(content="no", finish_reason="stop"),)]])
    call = asking()
    await moderator(engine).judge(call, "output", PASSAGES)
    (request,) = engine.requests
    assert isinstance(request, ChatRequest)
    assert [(each.role, each.content) for each in request.messages][1] == ("user", "one\n\ntwo")
    assert (request.temperature, request.thinking.type if request.thinking else None) == (0, "disabled")
    assert (len(call.notes), call.answered_by) == (1, None)


@pytest.mark.parametrize("says", ["", "perhaps", "I cannot say"])
async def test_anything_else_is_no_judgement(says: str) -> None:
    """Then the filter's setting decides."""
    engine = FakeEngine([[(Delta(content=says, finish_reason="stop"),)]])
    with pytest.raises(EngineFailed, match="neither yes nor no"):
        await moderator(engine).judge(asking(), "input", PASSAGES)


async def test_a_service_that_refuses_has_judged() -> None:
    """Whether it raises, or ends its answer so."""
    refusing = FakeEngine([[]], refusal=ContentFiltered("no"))
    assert (await moderator(refusing).judge(asking(), "input", PASSAGES)).flagged
    ended = FakeEngine([[(Delta(finish_reason="sensitive"),)]])
    assert (await moderator(ended).judge(asking(), "input", PASSAGES)).flagged
