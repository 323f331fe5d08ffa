"""Who the caller's user is: three names, one of which the service has (contract row N10)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from glmgate.adaptation.profile import User
from glmgate.adaptation.user import user
from glmgate.wire.members import plain
from tests.adaptation.requests import BARE, chat, noted

BODY = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


def changed(members: dict[str, Any], **bounds: Any) -> tuple[dict[str, Any], list[str]]:
    """What is sent beside the messages, and what is told, where the service has these bounds."""
    profile = msgspec.structs.replace(BARE, user=User(**bounds))
    change = user(chat(**members), profile)
    return {name: value for name, value in plain(change.request).items() if name not in BODY}, noted(change)


@pytest.mark.parametrize(
    ("members", "kept", "told"),
    [
        ({}, None, []),
        ({"user_id": "somebody"}, "somebody", []),
        ({"user": "somebody", "user_id": "another"}, "another", ["user=omitted"]),
        (
            {"user": "somebody", "safety_identifier": "another"},
            "another",
            ["user=omitted", "safety_identifier=user_id"],
        ),
        ({"safety_identifier": 5}, None, []),
    ],
)
def test_the_services_own_name_comes_first(members: dict[str, Any], kept: str | None, told: list[str]) -> None:
    """Then the newer of the two others; what is left out is told."""
    sent, notes = changed(members, member="user_id")
    assert (sent.get("user_id"), notes) == (kept, told)


@pytest.mark.parametrize("member", ["user", "user_id", "safety_identifier"])
def test_it_is_sent_under_any_name(member: str) -> None:
    """Also one that is no member of our type."""
    sent, _ = changed({"user": "somebody"}, member=member)
    assert sent == {member: "somebody"}


def test_a_service_without_users_gets_none() -> None:
    """That changes nothing in the answer, so it is exact; members that we do not know are another rule's matter."""
    change = user(chat(user="somebody", user_id="another"), BARE)
    assert plain(change.request) == BODY
    assert [(str(note), note.exact) for note in change.notes] == [("user_id=omitted", True), ("user=omitted", True)]


@pytest.mark.parametrize(("length", "digest"), [(5, True), (6, False), (10, False), (11, True)])
def test_bounds_are_kept(length: int, digest: bool) -> None:
    """A name outside of them is its digest, which is the same for the same name."""
    sent, notes = changed({"user": "x" * length}, member="user", least=6, most=10)
    assert (len(sent["user"]) == 32, notes) == (digest, ["user=hashed"] if digest else [])
    assert changed({"user": "x" * length}, member="user", least=6, most=10)[0] == sent
