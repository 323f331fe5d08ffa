"""Whether an answer is the JSON that was asked for: fences taken off, read, and held to a schema.

What is done about a bad one is decided in `checked`. The validator is linear in its patterns and fetches nothing.
"""

from __future__ import annotations

import functools
import re
from typing import Any, Final

import jsonschema_rs
import msgspec

from glmgate.adaptation.effort import MOST, Effort, effort, levels_of
from glmgate.adaptation.trees import Json
from glmgate.errors import InvalidRequest

_DEEPEST: Final = 128
_LONGEST: Final = 300  # characters of a problem
_EXPLAINED: Final = 2_000  # steps; to say why a value is bad takes up to a thousand times as long as to see that it is
_PATTERNS: Final = jsonschema_rs.RegexOptions(size_limit=1 << 20)
_FENCE: Final = "```"
_WORD: Final = re.compile(r"[A-Za-z0-9_+-]{0,20}[ \t]*\r?\n?")


class Judge:
    """Holds texts to `schema`, whose place in the request is `path`.

    Raises InvalidRequest when it is no schema, or one that would take too long.
    """

    __slots__ = ("_effort", "_validator")

    def __init__(self, schema: dict[str, Any], path: str) -> None:
        bound = effort(schema)
        if bound is None:
            raise InvalidRequest(
                f"{path!r} has too many schemas for one value, references followed. Use fewer alternatives.", param=path
            )
        self._effort: Effort = bound
        try:
            self._validator: jsonschema_rs.Validator = jsonschema_rs.validator_for(
                schema, validate_formats=True, pattern_options=_PATTERNS, offline=True, mask="the value"
            )
        except (ValueError, jsonschema_rs.ReferencingError) as exc:
            raise InvalidRequest(f"{path!r} is no JSON schema: {_first_line(exc)}.", param=path) from exc

    def problem(self, text: str) -> str | None:
        """What is wrong with `text`, in words for the model; None when it is right."""
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as exc:
            return f"it is not valid JSON ({_first_line(exc)})"
        return self.problem_of(value)

    def problem_of(self, value: Json) -> str | None:
        """As `problem`, of a value that was read."""
        levels = levels_of(value)
        if max(levels) > _DEEPEST:
            return f"it is nested deeper than {_DEEPEST} levels"
        steps = self._effort.of(levels)
        if steps > MOST:
            return "it is too deep and too large to be held to the schema"
        if self._validator.is_valid(value):
            return None
        return "it does not follow the schema" if steps > _EXPLAINED else self._explained(value)

    def _explained(self, value: Json) -> str:
        try:
            self._validator.validate(value)
        except jsonschema_rs.ValidationError as exc:
            place = "".join(f"[{step!r}]" for step in exc.instance_path)
            return f"{_short(exc.message)}, at {place or 'the top'}"[:_LONGEST]
        return "it does not follow the schema"


def judge_of(schema: dict[str, Any], path: str) -> Judge:
    """The judge of a schema; kept, because an application sends the same one again and again."""
    return _judge_of(msgspec.json.encode(schema), path)


@functools.lru_cache(maxsize=64)
def _judge_of(schema: bytes, path: str) -> Judge:
    return Judge(msgspec.json.decode(schema), path)


def bare(text: str) -> str:
    """`text` without blanks around it and without the fence of a code block; of prose with one block, the block."""
    stripped = text.strip()
    begin = stripped.find(_FENCE)
    if begin < 0 or stripped[:1] in ("{", "["):
        return stripped
    begin += len(_FENCE)
    begin = _end_of_word(stripped, begin)
    end = stripped.find(_FENCE, begin)
    block = stripped[begin:] if end < 0 else stripped[begin:end]
    return block.strip()


def _end_of_word(text: str, place: int) -> int:
    """Where the text of a block begins, after its language."""
    word = _WORD.match(text, place)
    return place if word is None else word.end()


def _first_line(exc: Exception) -> str:
    return _short(str(exc).partition("\n")[0])


def _short(text: str) -> str:
    return text[:_LONGEST].rstrip(".")
