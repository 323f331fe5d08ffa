"""Rules: which messages there must be, and whose roles have another name at the deployment."""

from __future__ import annotations

from typing import Final

import msgspec

from glmgate.adaptation.change import Change
from glmgate.adaptation.profile import Profile
from glmgate.errors import MissingParameter
from glmgate.wire.chat import ChatRequest, Message
from glmgate.wire.engine import Note

_BETWEEN: Final = "\n\n"  # what was apart stays apart


def present(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """There is at least one message."""
    if not request.messages:
        raise MissingParameter("'messages' is empty. Send at least one message.", param="messages")
    return Change(request)


def roles(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Rename roles that mean the same under another name (contract row N7)."""
    others = {role: name for role, name in profile.roles.items() if name != role}
    renamed = {message.role for message in request.messages if message.role in others}
    if not renamed:
        return Change(request)
    messages = [_renamed(message, profile) for message in request.messages]
    notes = tuple(Note("messages.role", f"{role}->{profile.roles[role]}") for role in sorted(renamed))
    return Change(msgspec.structs.replace(request, messages=messages), notes=notes)


def somebody_asks(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Where only roles speak that nobody answers, a turn of the user follows (contract row N9)."""
    silent = profile.turns.silent
    if any(message.role not in silent for message in request.messages):
        return Change(request)
    messages = [*request.messages, Message(role="user", content=profile.turns.added)]
    return Change(
        msgspec.structs.replace(request, messages=messages), notes=(Note("messages", "user_added", exact=False),)
    )


def one_system(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """All that the system says in one message at the beginning, where templates need that (contract row N8)."""
    if profile.turns.system == "anywhere":
        return Change(request)
    said = [message for message in request.messages if message.role == "system"]
    was_first = request.messages[: len(said)] == said
    if not said or (len(said) == 1 and was_first):
        return Change(request)
    others = [message for message in request.messages if message.role != "system"]
    note = Note("messages.role", "joined", exact=was_first)
    return Change(msgspec.structs.replace(request, messages=[_joined(said), *others]), notes=(note,))


def _joined(said: list[Message]) -> Message:
    return msgspec.structs.replace(said[0], content=_BETWEEN.join(str(message.content or "") for message in said))


def _renamed(message: Message, profile: Profile) -> Message:
    role = profile.roles.get(message.role)
    return message if role is None else msgspec.structs.replace(message, role=role)
