"""What a service's model says: scripted by a test, bounded by what the request allows, the same on every service.

How it is written on the wire is `shapes`; what a service refuses is `glm`, `openai` and the like.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

Body = Mapping[str, Any]

PROMPT_TOKENS: Final = 10
"""What every prompt costs, so that a test can count calls by their sum."""
CACHED_TOKENS: Final = 4
CALL_TOKENS: Final = 5
DEFAULT_TEXT: Final = "Hello from the service."
DEFAULT_REASONING: Final = "A short thought. "


@dataclass(frozen=True, slots=True)
class ScriptedCall:
    """A tool call that the model makes where the request offers the tool."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The arguments as they stand on the wire."""
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True, slots=True)
class ScriptedTool:
    """A call of a tool that the service runs itself, where the request offers it (contract 3.4).

    Code is not run where the request says `sandbox: none`, so nothing comes out. `in_one`: all of it in one chunk.
    `more`: members beside those that are known.
    """

    kind: Literal["code_interpreter", "web_browser", "drawing_tool"]
    input: str
    outputs: tuple[Mapping[str, Any], ...] = ()
    in_one: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)

    def members(self, place: int) -> dict[str, Any]:
        """The call as a whole; `place` is its own among the calls of the answer."""
        body: dict[str, Any] = {"input": self.input} if self.input else {}
        if self.outputs:
            body["outputs"] = [dict(output) for output in self.outputs]
        return {"id": f"call_-9907{place}", "type": self.kind, self.kind: body, **self.more}

    def pieces(self, place: int) -> list[dict[str, Any]]:
        """As a stream has it: what is put in, then what comes out; the id on the first piece only."""
        whole = self.members(place)
        if self.in_one:
            return [whole]
        bodies: list[dict[str, Any]] = [{"input": piece} for piece in fragments(self.input)]
        if self.outputs:
            bodies.append({"outputs": whole[self.kind]["outputs"]})
        later = [{"type": self.kind, self.kind: body} for body in bodies[1:]]
        return [whole | {self.kind: bodies[0]}, *later]


ScriptedAny = ScriptedCall | ScriptedTool


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model would like to say. `finish` in place of the finish reason that follows from the rest."""

    text: str = DEFAULT_TEXT
    reasoning: str = DEFAULT_REASONING
    calls: tuple[ScriptedAny, ...] = ()
    finish: str | None = None


Script = str | Answer | Callable[[Body], Answer]
"""A text, an answer, or what makes one of the request's body."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the model says in the end, in pieces of about a word; each is a token."""

    reasoning: tuple[str, ...]
    text: tuple[str, ...]
    calls: tuple[ScriptedAny, ...]
    finish: str

    @property
    def tokens(self) -> int:
        """What the answer cost."""
        return len(self.reasoning) + len(self.text) + CALL_TOKENS * len(self.calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What holds for one answer: whether it thinks, how long it is, where it stops, what it may call or must be."""

    thinks: bool
    most: int | None = None
    stops: tuple[str, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    must_call: str | bool = False
    one_call: bool = False
    schema: Mapping[str, Any] | None = None
    runs_away: bool = False
    """The model is to obey a constraint that only begins after its thinking, and never stops to think (facts 2)."""


def answer_of(script: Script, body: Body) -> Answer:
    """The answer that a script gives to a request."""
    if isinstance(script, str):
        return Answer(script)
    return script if isinstance(script, Answer) else script(body)


def said(answer: Answer, bounds: Bounds) -> Said:
    """The answer within its bounds."""
    if bounds.runs_away:
        finish = "stop" if isinstance(bounds.must_call, str) else "length"
        return Said(pieces(answer.reasoning or DEFAULT_REASONING), (), (), finish)
    calls = _calls(answer, bounds)
    text = "" if bounds.must_call else answer.text
    if bounds.schema is not None and not _is_json(text):
        text = json.dumps(instance(bounds.schema))
    asks = any(not _has_run(call) for call in calls)
    if asks and text == DEFAULT_TEXT:
        text = ""
    finish = answer.finish or ("tool_calls" if asks else "stop")
    reasoning = pieces(answer.reasoning) if bounds.thinks else ()
    whole = Said(reasoning, pieces(_stopped(text, bounds.stops)), calls, finish)
    return whole if bounds.most is None else _cut(whole, bounds.most)


def pieces(text: str) -> tuple[str, ...]:
    """A text in words, each with the space behind it; nothing is lost."""
    return tuple(re.findall(r"\s*\S+\s*", text)) if text.strip() else ((text,) if text else ())


def fragments(text: str) -> Iterator[str]:
    """A text in pieces of four characters."""
    return (text[start : start + 4] for start in range(0, len(text), 4))


def _has_run(call: ScriptedAny) -> bool:
    """Whether nobody has to carry it out."""
    return isinstance(call, ScriptedTool) and bool(call.outputs)


def _calls(answer: Answer, bounds: Bounds) -> tuple[ScriptedAny, ...]:
    offered = {tool["function"]["name"]: tool["function"] for tool in bounds.tools if tool.get("type") == "function"}
    run = {tool["type"]: tool.get(tool["type"]) or {} for tool in bounds.tools if tool.get("type") != "function"}
    calls = tuple(
        replace(call, outputs=()) if isinstance(call, ScriptedTool) and _is_the_callers(run[call.kind]) else call
        for call in answer.calls
        if (call.kind in run if isinstance(call, ScriptedTool) else call.name in offered)
    )
    if isinstance(bounds.must_call, str):
        calls = tuple(call for call in calls if isinstance(call, ScriptedCall) and call.name == bounds.must_call)
    if bounds.must_call and not calls and offered:
        name = bounds.must_call if isinstance(bounds.must_call, str) else next(iter(offered))
        calls = (ScriptedCall(name, instance(offered[name].get("parameters") or {})),)
    return calls[:1] if bounds.one_call else calls


def _is_the_callers(tool: Mapping[str, Any]) -> bool:
    return tool.get("sandbox") == "none"


def _cut(whole: Said, most: int) -> Said:
    if whole.tokens <= most:
        return whole
    reasoning = whole.reasoning[:most]
    left = most - len(reasoning)
    return replace(whole, reasoning=reasoning, text=whole.text[:left], calls=(), finish="length")


def _stopped(text: str, stops: Iterable[str]) -> str:
    return text[: min((place for stop in stops if (place := text.find(stop)) >= 0), default=len(text))]


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def instance(schema: Mapping[str, Any]) -> Any:
    """Something that fits a schema of the simple kind that tests use."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object" | None:
            return {name: instance(each) for name, each in schema.get("properties", {}).items()}
        case "array":
            return [instance(schema.get("items", {"type": "string"}))]
        case "string":
            return "text"
        case "boolean":
            return True
        case _:
            return 1


def vector_of(text: str, size: int) -> list[float]:
    """The vector of a text: always the same one, of length one, and its beginning is the same in every size."""
    seed = text.encode()
    numbers: list[float] = []
    while len(numbers) < size:
        seed = hashlib.sha256(seed).digest()
        numbers += [byte / 127.5 - 1 for byte in seed]
    norm = math.hypot(*numbers[:size])
    return [number / norm for number in numbers[:size]]
