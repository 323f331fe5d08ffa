"""The emulation of text completions at services that only chat: the prompt is a user's turn (contract row L1).

Which prompts there may be is decided in `prompts`; the surface writes the answer in its own form.
"""

from __future__ import annotations

from typing import Final

import msgspec
from typing_extensions import override

from glmgate.adaptation.change import Change, Piece
from glmgate.adaptation.profile import Profile
from glmgate.adaptation.unknown import reports
from glmgate.errors import MissingParameter
from glmgate.wire.chat import ChatRequest, Message, Thinking
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.delta import Delta
from glmgate.wire.engine import Note

_NOTE: Final = Note("prompt", "messages", exact=False)  # a chat model answers a text, where another goes on with it
# Members of the same name and meaning on both sides.
_SAME: Final = (
    "model",
    "stream",
    "stream_options",
    "temperature",
    "top_p",
    "max_tokens",
    "stop",
    "seed",
    "n",
    "logit_bias",
    "frequency_penalty",
    "presence_penalty",
    "user",
    "request_id",
    "glmgate",
)
# What a text completion does not know would take the place of what stands there, if it were passed as unknown.
_OF_CHATS: Final = frozenset(field.encode_name for field in msgspec.structs.fields(ChatRequest))


def as_chat(request: CompletionRequest, profile: Profile) -> Change[ChatRequest]:
    """`request`, whose prompt is one text, as a chat request. Nobody could see its thoughts, so it asks for none."""
    if not isinstance(request.prompt, str):
        raise MissingParameter("'prompt' is missing. Send the text to go on from.", param="prompt")
    members = {name: getattr(request, name) for name in _SAME}
    unknown = {name: value for name, value in request.unknown.items() if name not in _OF_CHATS}
    misplaced = {name: value for name, value in request.unknown.items() if name in _OF_CHATS}
    turn = Message(role="user", content=request.prompt)
    chat = ChatRequest(messages=[turn], unknown=unknown, **members)
    if profile.thinking.member != "none":
        chat = msgspec.structs.replace(chat, thinking=Thinking(type="disabled"))
    if request.logprobs is not None:
        chat = msgspec.structs.replace(chat, logprobs=True, top_logprobs=request.logprobs or None)
    return Change(chat, notes=(_NOTE, *reports(misplaced, "", profile)), undo=TextOnly())


class TextOnly(Piece):
    """Takes reasoning out, for which a text completion has no place."""

    __slots__ = ()

    @override
    def feed(self, delta: Delta) -> tuple[Delta, ...]:
        after = msgspec.structs.replace(delta, reasoning=None)
        return (after,) if after != Delta(choice=delta.choice) else ()
