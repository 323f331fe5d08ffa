"""Rules: which messages there must be, and whose roles have another name at the deployment."""

from __future__ import annotations

import msgspec

from glmgate.adaptation.change import Change
from glmgate.adaptation.profile import Profile
from glmgate.errors import MissingParameter
from glmgate.wire.chat import ChatRequest, Message
from glmgate.wire.engine import Note


def present(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """There is at least one message."""
    if not request.messages:
        raise MissingParameter("'messages' is empty. Send at least one message.", param="messages")
    return Change(request)


def roles(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Rename roles that mean the same under another name (contract row N7)."""
    renamed = {message.role for message in request.messages if message.role in profile.roles}
    if not renamed:
        return Change(request)
    messages = [_renamed(message, profile) for message in request.messages]
    notes = tuple(Note("messages.role", f"{role}->{profile.roles[role]}") for role in sorted(renamed))
    return Change(msgspec.structs.replace(request, messages=messages), notes=notes)


def somebody_asks(request: ChatRequest, profile: Profile) -> Change[ChatRequest]:
    """Where only the system speaks, an empty turn of the user follows (contract row N9)."""
    if any(message.role != "system" for message in request.messages):
        return Change(request)
    messages = [*request.messages, Message(role="user", content="")]
    return Change(
        msgspec.structs.replace(request, messages=messages), notes=(Note("messages", "user_added", exact=False),)
    )


def _renamed(message: Message, profile: Profile) -> Message:
    role = profile.roles.get(message.role)
    return message if role is None else msgspec.structs.replace(message, role=role)
