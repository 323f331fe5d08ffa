"""Rules: how long a conversation and an answer may be.

Of an answer's length both names of the field mean the same to us, and the smaller holds.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from glmgate.adaptation.change import Change
from glmgate.adaptation.profile import Profile
from glmgate.errors import ContextLengthExceeded
from glmgate.wire.chat import ChatRequest, Message
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.engine import Note
from glmgate.wire.tokenizer import TokenizerRequest

G = TypeVar("G", ChatRequest, CompletionRequest)
M = TypeVar("M", ChatRequest, TokenizerRequest)


def turns(request: M, profile: Profile) -> Change[M]:
    """Each message and each call makes a token at least, so more of them than the context has cannot fit.

    The engine would find out too, but only after it has written them all into a prompt, which takes it ever longer for
    each: 1.6 s for 5,000 messages, 25 s for 20,000 (measured on a busy core).
    """
    most = profile.context_length
    if most is None:
        return Change(request)
    count = sum(1 + len(message.tool_calls or ()) for message in request.messages)
    if count > most:
        raise ContextLengthExceeded(
            f"This model's context is {most} tokens, but there are {count} messages and calls. Send fewer.",
            param="messages",
        )
    return Change(request)


def texts(request: M, profile: Profile) -> Change[M]:
    """A text of more characters than the context's tokens could have bytes cannot fit.

    The engine would make tokens of all of it first: 28 s for 28 MiB (measured on a busy core).
    """
    if not profile.context_length or not profile.longest_token:
        return Change(request)
    characters = sum(_characters(message) for message in request.messages)
    _check_characters(characters, profile, "messages")
    return Change(request)


def prompt(request: CompletionRequest, profile: Profile) -> Change[CompletionRequest]:
    """As `texts`, for a text completion."""
    _check_characters(len(request.prompt) if isinstance(request.prompt, str) else 0, profile, "prompt")
    return Change(request)


def both_names(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """`max_completion_tokens` becomes `max_tokens`; of both, the smaller (contract row N4)."""
    newer = request.max_completion_tokens
    if newer is None:
        return Change(request)
    older = request.max_tokens
    limit = newer if older is None else min(newer, older)
    fitted = msgspec.structs.replace(request, max_tokens=limit, max_completion_tokens=None)
    notes: tuple[Note, ...] = (Note("max_completion_tokens", "max_tokens"),)
    if older is not None and older > limit:
        notes = (*notes, Note("max_tokens", f"{older}->{limit}"))
    return Change(fitted, notes=notes)


def longest(request: G, profile: Profile) -> Change[G]:
    """Clamp to what the model can give at all (contract row N5). Nothing is lost: the context ends there anyway."""
    most = min(profile.context_length or profile.longest_answer, profile.longest_answer)
    if request.max_tokens is None or request.max_tokens <= most:
        return Change(request)
    notes = (Note("max_tokens", f"{request.max_tokens}->{most}"),)
    return Change(msgspec.structs.replace(request, max_tokens=most), notes=notes)


def newer_name(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """The limit under the name that the service knows (contract row N4); after all rules that read it."""
    if profile.limit_name == "max_tokens" or request.max_tokens is None:
        return Change(request)
    fitted = msgspec.structs.replace(request, max_tokens=None, max_completion_tokens=request.max_tokens)
    return Change(fitted, notes=(Note("max_tokens", "max_completion_tokens"),))


def _characters(message: Message) -> int:
    if isinstance(message.content, list):
        return sum(len(part.text or "") for part in message.content)
    return len(message.content or "")


def _check_characters(characters: int, profile: Profile, field: str) -> None:
    if not profile.context_length or not profile.longest_token:
        return
    least = -(-characters // profile.longest_token)  # each token at its longest, each character at its shortest
    if least > profile.context_length:
        raise ContextLengthExceeded(
            f"This model's context is {profile.context_length} tokens, but the text has {characters} characters, "
            f"which are at least {least} tokens. Send less.",
            param=field,
        )
