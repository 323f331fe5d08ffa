"""Our chat templates in the real engine: the exact text, thinking apart, calls taken apart, for each GLM family."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, get_args

import pytest
import pytest_asyncio

from bench.random_model import CONTROL_TOKENS, TEXT_TOKENS, TINY, write
from glmgate.engines.embedded.engine import EmbeddedEngine
from glmgate.engines.embedded.spec import LocalModel
from glmgate.weights.chat_template import Family, text_of
from tests.engines.embedded.asking import answer, chat, engine, supervised

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="module")]

GOLDEN: Final = Path(__file__).parents[2] / "data" / "chat_templates"
CONVERSATIONS: Final[dict[str, dict[str, Any]]] = json.loads((GOLDEN / "conversations.json").read_text("utf-8"))
FAMILIES: Final[tuple[Family, ...]] = get_args(Family)
THINKING: Final[dict[Family, str]] = {
    # What the model writes itself before its thought: where the prompt has opened it, nothing.
    "glm-z1": "",
    "glm-4.6": "\\n<think>",
    "glm-4.7": "",
    "glm-5": "",
}
# Values that every family's grammar bounds: a random model would write a string without end.
LAMP: Final = {
    "type": "function",
    "function": {
        "name": "set_lamp",
        "description": "Switch the lamp",
        "parameters": {"type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"]},
    },
}
BYTES: Final = 256
SPECIAL: Final = BYTES + TINY.words + len(CONTROL_TOKENS)
# A random model begins a call only when it is pushed to, and the engine's grammar then lets it write any white space,
# which its parser does not read before a closing mark; real models write the marks at once, and so does this bias.
CALLING: Final = {
    str(SPECIAL + TEXT_TOKENS.index(mark)): 60 if mark == "<tool_call>" else 20
    for mark in ("<tool_call>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "</tool_call>")
}
SILENT: Final = {"enable_thinking": False}

Engines = dict[Family, EmbeddedEngine]


def golden(family: Family, name: str) -> str:
    """The text that a conversation has to become."""
    return (GOLDEN / family / f"{name}.txt").read_text("utf-8")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of GLM's architecture and tokens; which template it is run with is said for each family."""
    return write(tmp_path_factory.mktemp("models") / "random.gguf", TINY)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engines(weights: Path) -> AsyncIterator[Engines]:
    """The same weights with the template of every family."""
    async with supervised(context=2048) as supervisor:
        yield {
            family: EmbeddedEngine(LocalModel(family, weights, chat_template=text_of(family)), supervisor)
            for family in FAMILIES
        }


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_a_conversation_becomes_exactly_this_text(engines: Engines, family: Family, name: str) -> None:
    """Each mark, line break and space, as the family's format has it."""
    assert await engines[family].render(chat(**CONVERSATIONS[name])) == golden(family, name)


@pytest.mark.parametrize("family", FAMILIES)
async def test_arguments_may_be_text_or_an_object(engines: Engines, family: Family) -> None:
    """Engines and clients send either, and templates that take them apart broke over it (engine facts 3.15)."""
    conversation = CONVERSATIONS["call_with_words"]
    before, calling, *after = conversation["messages"]
    (call,) = calling["tool_calls"]
    function = {**call["function"], "arguments": json.loads(call["function"]["arguments"])}
    message = {**calling, "tool_calls": [{**call, "function": function}]}
    asked = chat(**{**conversation, "messages": [before, message, *after]})
    assert await engines[family].render(asked) == await engines[family].render(chat(**conversation))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("tool_choice", ["auto", "required"])
async def test_a_call_is_taken_apart(engines: Engines, family: Family, tool_choice: str) -> None:
    """Once the model begins one, the engine's grammar keeps it to the declared name, key and type."""
    asked = chat(
        "Light!",
        tools=[LAMP],
        tool_choice=tool_choice,
        parallel_tool_calls=False,
        logit_bias=CALLING,
        max_tokens=200,
        seed=4,
        chat_template_kwargs=SILENT,
    )
    (choice,) = (await answer(engines[family], asked)).choices
    (call,) = choice.calls
    assert call.name == "set_lamp"
    assert json.loads(call.arguments)["on"] in (True, False)
    assert choice.finish_reason == "tool_calls"
    assert not choice.content


@pytest.mark.parametrize("family", FAMILIES)
async def test_several_calls_are_taken_apart(engines: Engines, family: Family) -> None:
    """One after the other; this model is pushed into calling until it is cut off."""
    asked = chat("Light!", tools=[LAMP], logit_bias=CALLING, max_tokens=300, seed=4, chat_template_kwargs=SILENT)
    (choice,) = (await answer(engines[family], asked)).choices
    first, second = choice.calls[:2]
    assert first.id != second.id
    assert [json.loads(call.arguments)["on"] in (True, False) for call in (first, second)] == [True, True]


@pytest.mark.parametrize("family", THINKING)
async def test_a_thought_is_taken_out_of_the_answer(engines: Engines, family: Family) -> None:
    """Whether the prompt opens it or the model does."""
    asked = chat(grammar=f'root ::= "{THINKING[family]}why</think>because"', max_tokens=60)
    (choice,) = (await answer(engines[family], asked)).choices
    assert (choice.reasoning, choice.content) == ("why", "because")


@pytest.mark.parametrize("family", FAMILIES)
async def test_without_thinking_everything_is_the_answer(engines: Engines, family: Family) -> None:
    """Also in the families that cannot think."""
    asked = chat(grammar='root ::= "because"', max_tokens=60, chat_template_kwargs=SILENT)
    (choice,) = (await answer(engines[family], asked)).choices
    assert (choice.reasoning, choice.content) == (None, "because")


async def test_glm_edge_is_known_by_its_file_alone(tmp_path: Path) -> None:
    """Its architecture with random weights, a vocabulary without marks, and a template with what its own one has."""
    shape = replace(TINY, architecture="chatglm")
    template = "{% for item in messages %}<|user|>\n{{ item.content }}{% endfor %}<|assistant|>"
    model = LocalModel("edge", write(tmp_path / "edge.gguf", shape, template=template))
    async with engine(model, context=512) as (edge, _):
        assert await edge.render(chat(**CONVERSATIONS["tool_loop"])) == golden("glm-edge", "tool_loop")
        (choice,) = (await answer(edge, chat("Light!", tools=[LAMP], max_tokens=8))).choices
    assert choice.finish_reason == "length"
    assert choice.content
