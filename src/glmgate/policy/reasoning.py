"""What a model thought, and how it is found again when a client sends the conversation back without it.

Contract rows N13 and N14: applications written for OpenAI drop `reasoning_content`. Pure; stores are behind a Protocol.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Protocol

import msgspec

from glmgate.wire.chat import ChatRequest, FunctionCall, Message, Part, ToolCall
from glmgate.wire.fold import CompletedChoice
from glmgate.wire.members import plain

# A conversation's newest messages are those that a model still looks at; each costs two keys to ask for.
_MOST_MESSAGES: Final = 128
# The same part of a conversation under other names (contract C1 and C7).
_ROLES: Final = {"developer": "system", "function": "tool"}
# How parts are joined to one text (as the rule for contents does it).
_BETWEEN_PARTS: Final = "\n"
_WITH_VERSION: Final = re.compile(r"(?P<family>[a-z]+[-_]?\d+(?:\.\d+)*)(?=[-_:@]|$)")


@dataclass(frozen=True, slots=True)
class Thought:
    """What a model thought before one message. `key` is a digest that holds nothing of the conversation.

    `sole` is set for keys that are said to belong to one message only (ids of tool calls): when a second text comes
    under such a key, neither is given any more. An empty text is "it did not think", and is never given.
    """

    key: str
    text: str
    sole: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """Within what thoughts are shared: one project, and one family of models."""

    organisation: str
    project: str
    family: str


class ReasoningStore(Protocol):
    """Keeps thoughts for a bounded time and in bounded space. Each method may raise Unavailable."""

    async def find(self, project: str, keys: Collection[str]) -> Mapping[str, str]:
        """The thoughts of `project` under those of `keys` that have one, unmodified."""
        ...

    async def keep(self, project: str, thoughts: Sequence[Thought]) -> None:
        """Keep `thoughts` for `project`, in the place of older ones under the same keys. May forget old ones."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message of the history that came without its thought, and the keys that the thought may stand under."""

    place: int
    key: str
    by_ids: str | None


class History:
    """A conversation as digests: one for each message, of everything up to and including it.

    Equal for conversations that say the same: null and empty content, a text and its parts, another spelling of a
    call's arguments, the older names of roles and calls make no difference. Thoughts are no part of it.
    """

    __slots__ = ("_end", "_scope", "wanted")

    def __init__(self, scope: Scope, messages: Sequence[Message]) -> None:
        self._scope = scope
        end = sha256(_line("conversation", scope.organisation, scope.project, scope.family))
        wanted: list[Wanted] = []
        for place, message in enumerate(messages):
            end.update(_message_line(message))
            if message.role == "assistant" and not _has_thought(message):
                wanted.append(Wanted(place, end.hexdigest(), _by_ids(scope, message)))
        self._end = end
        self.wanted = tuple(wanted[-_MOST_MESSAGES:])
        """The assistant messages without a thought, the oldest first; of very many, the newest."""

    def keys(self) -> list[str]:
        """The keys to look for first: those of the whole conversation up to each message."""
        return [message.key for message in self.wanted]

    def more_keys(self, found: Mapping[str, str]) -> list[str]:
        """The keys to look for next: the ids of calls, of messages whose thought was not `found` yet.

        They hold when a client has changed what stood before: cut old messages off, put the date into the first one.
        """
        return [message.by_ids for message in self.wanted if message.by_ids and message.key not in found]

    def thoughts(self, choice: CompletedChoice) -> tuple[Thought, ...]:
        """What is to be kept of `choice`, an answer to this conversation."""
        said = _answer(choice)
        kept: list[Thought] = []
        if choice.reasoning:
            end = self._end.copy()
            end.update(_message_line(said))
            kept.append(Thought(end.hexdigest(), choice.reasoning))
        if by_ids := _by_ids(self._scope, said):
            # Even when the model did not think: an id that an earlier call had too must not bring that one's thought.
            kept.append(Thought(by_ids, choice.reasoning or "", sole=True))
        return tuple(kept)

    def restored(self, request: ChatRequest, found: Mapping[str, str]) -> tuple[ChatRequest, int]:
        """`request` with the thoughts that were found, each where it was had, and how many messages got one."""
        messages = list(request.messages)
        count = 0
        for message in self.wanted:
            text = found.get(message.key) or found.get(message.by_ids or "")
            if text:
                messages[message.place] = msgspec.structs.replace(messages[message.place], reasoning_content=text)
                count += 1
        return (msgspec.structs.replace(request, messages=messages), count) if count else (request, 0)


def family_of(model: str) -> str:
    """The family whose models read each other's thoughts: name and version, without owner, size or build.

    A name without a version of that form is a family of its own.
    """
    name = model.casefold().rpartition("/")[2]
    match = _WITH_VERSION.match(name)
    return match["family"] if match else name


def _answer(choice: CompletedChoice) -> Message:
    """`choice` as the message that a client puts into its history."""
    document: dict[str, Any] = {"role": "assistant", "content": choice.content}
    if calls := [call for call in choice.calls if call.native is None]:
        document["tool_calls"] = [
            {"id": call.id, "function": {"name": call.name, "arguments": call.arguments}} for call in calls
        ]
    return msgspec.convert(document, Message)


def _has_thought(message: Message) -> bool:
    """Whether the client brought the thought itself, under either of its names."""
    return bool(message.reasoning_content or message.unknown.get("reasoning"))


def _by_ids(scope: Scope, message: Message) -> str | None:
    """The key by id and function of each call; None unless there are calls and each has both.

    What the service ran by itself is left out here and in `_message_line`: clients send it in pieces, whole or not.
    """
    words = [word for call in message.tool_calls or () for word in _names(call)]
    if not words or not all(words):
        return None
    named = (word for word in words if word)
    return sha256(_line("calls", scope.organisation, scope.project, scope.family, *named)).hexdigest()


def _names(call: ToolCall) -> tuple[str | None, ...]:
    if call.function is None and call.type not in (None, "function", "custom"):
        return ()  # the service ran it by itself
    return (call.id, None if call.function is None else call.function.name)


def _message_line(message: Message) -> bytes:
    role = _ROLES.get(message.role, message.role)
    text = message.content if isinstance(message.content, str) else _joined(message.content)
    # Clients trim what a model said (many answers begin with a line break), not what their users wrote.
    text = text.strip() if role == "assistant" else text
    if message.tool_calls or message.function_call:
        return _line(role, text, *_calls(message))
    return _line(role, text)


def _joined(content: list[Part] | None) -> str:
    return _BETWEEN_PARTS.join((part.text or "") if part.type == "text" else _other(part) for part in content or ())


def _other(part: Part) -> str:
    """A part that is no text. An image's data is read once: that halves the 24 ms for one of 5 MB (measured)."""
    image = part.image_url
    if image is None:
        return msgspec.json.encode(plain(part), order="sorted").decode()
    return f"{part.type} {image.detail} {sha256(image.url.encode()).hexdigest()}"


def _calls(message: Message) -> Iterable[str]:
    functions = [call.function for call in message.tool_calls or () if call.function is not None]
    if not functions and message.function_call is not None:
        functions = [message.function_call]
    for function in functions:
        yield function.name or ""
        yield _arguments(function)


def _arguments(function: FunctionCall) -> str:
    """A call's arguments in one spelling; those that are no JSON as they are."""
    given = function.arguments
    document: Any = given
    if isinstance(given, str):
        try:
            document = msgspec.json.decode(given) if given.strip() else {}
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return given
    return msgspec.json.encode({} if document is None else document, order="sorted").decode()


def _line(*words: str) -> bytes:
    """Words as bytes that no other words make, and no other words in several lines."""
    return msgspec.json.encode(words)
