"""A model that does what it is told: it calls the tool that fits, with arguments from the words, and writes JSON.

It knows a request only as GLM gets it. Its wits are a few rules, the same for every test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.services import Answer, ScriptedCall

_FORCED: Final = re.compile(r"Call one of these functions now: (?P<names>.+?)\. Answer with nothing but the call\.")
_FORMED: Final = re.compile(r"valid against this JSON schema:\n(?P<schema>\{.*\})", re.DOTALL)
_QUOTED: Final = re.compile(r"'([^']+)'")
_PROPER: Final = re.compile(r"(?<=[\s(])[A-Z]\w*(?:[ ,]+[A-Z]\w*)*")
_NUMBER: Final = re.compile(r"-?\d+")


def competent(body: Mapping[str, Any]) -> Answer:
    """What the model says to a request."""
    last = body["messages"][-1]
    words = text_of(last)
    if call := _call(body, last["role"], words):
        return Answer("", reasoning="The user wants me to use a tool. ", calls=(call,))
    if (formed := _asked_schema(body["messages"])) is not None:
        return Answer(json.dumps(_Writer(words).value("answer", formed), ensure_ascii=False))
    if (body.get("response_format") or {}).get("type") == "json_object":
        return Answer(json.dumps({name: f"The {name} about cats." for name in _QUOTED.findall(words)}))
    if last["role"] == "tool":
        return Answer(f"The tool says: {words}")
    if any(part.get("type") != "text" for part in last["content"] if isinstance(part, dict)):
        return Answer("It shows one small dot.")
    return Answer("Hello! How can I help you today?")


def text_of(message: Mapping[str, Any]) -> str:
    """The words of a message, of all its parts."""
    content = message["content"]
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)


def _call(body: Mapping[str, Any], role: str, words: str) -> ScriptedCall | None:
    functions = {tool["function"]["name"]: tool["function"] for tool in body.get("tools") or () if "function" in tool}
    forced = _FORCED.search(words)
    names = forced["names"].split(", ") if forced else list(functions)
    fitting = [name for name in names if any(part in words.lower() for part in name.lower().split("_"))]
    if not functions or (role == "tool" and not forced) or not (forced or fitting):
        return None
    name = (fitting or names)[0]
    question = words[: forced.start()] if forced else words
    arguments = _Writer(question).value(name, functions[name]["parameters"])
    return ScriptedCall(name, json.dumps(arguments, ensure_ascii=False))


def _asked_schema(messages: list[Mapping[str, Any]]) -> dict[str, Any] | None:
    for message in messages:
        if found := _FORMED.search(text_of(message)):
            schema: dict[str, Any] = json.loads(found["schema"])
            return schema
    return None


class _Writer:
    """Fills a schema with what a text has: what is quoted first, then names, then numbers; each is used once."""

    def __init__(self, words: str) -> None:
        self._texts: Iterator[str] = iter([*_QUOTED.findall(words), *_PROPER.findall(_QUOTED.sub("", words))])
        self._numbers = iter(map(int, _NUMBER.findall(words)))

    def value(self, name: str, schema: Mapping[str, Any]) -> Any:
        """A value for a schema of the simple kind that tools have."""
        schema = next((each for each in schema.get("anyOf", ()) if each.get("type") != "null"), schema)
        if "enum" in schema:
            return schema["enum"][0]
        match schema.get("type"):
            case "object":
                return {name: self.value(name, each) for name, each in schema.get("properties", {}).items()}
            case "array":
                return [self.value(name, schema["items"])]
            case "integer" | "number":
                return next(self._numbers, 1)
            case "boolean":
                return True
            case _:
                return next(self._texts, f"some {name}")
