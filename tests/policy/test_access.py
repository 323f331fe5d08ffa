"""Tests of the terms that let a request through, and of what they put into it."""

from __future__ import annotations

from typing import Any

import pytest

from glmgate.errors import ModelNotFound, PermissionRefused
from glmgate.policy import access
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.engine import Caller, Generation
from glmgate.wire.members import convert
from glmgate.wire.terms import Level, Scope, Terms


def scopes(*terms: Terms) -> tuple[Scope, ...]:
    """Scopes of these terms, the widest first."""
    levels: tuple[Level, ...] = ("organisation", "project", "key")
    return tuple(Scope(level, f"the-{level}", each) for level, each in zip(levels, terms, strict=False))


def chat(**members: Any) -> ChatRequest:
    """A chat request."""
    return convert({"model": "m", "messages": [{"role": "user", "content": "hi"}], **members}, ChatRequest)


@pytest.mark.parametrize(
    ("models", "name", "is_allowed"),
    [
        (("glm-4.6",), "glm-4.6", True),
        (("GLM-4.6",), "glm-4.6", True),
        (("glm-4.6",), "GLM-4.6", True),
        (("glm-4.6",), "glm-4.6v", False),
        (("glm-4.*",), "glm-4.5-air", True),
        (("glm-4.*",), "glm-4", False),
        (("*-flash",), "glm-4.7-flash", True),
        (("gpt-4o", "glm-5"), "glm-5", True),
        (("a[b]c",), "abc", False),
        (("a.c",), "abc", False),
        ((), "glm-4.6", False),
        (("*",), "x" * 257, False),
    ],
)
def test_models_are_allowed_by_name_and_star(models: tuple[str, ...], name: str, *, is_allowed: bool) -> None:
    """Case is ignored, a star stands for anything, every other sign for itself; an empty list allows none."""
    assert (access.may_ask(scopes(Terms(models=models)), name) is None) == is_allowed


def test_every_scope_has_to_allow_a_model() -> None:
    """A key cannot have more than its project; the one that does not allow it is named."""
    found = scopes(Terms(), Terms(models=("glm-4.*",)), Terms(models=("*",)))
    assert access.may_ask(found, "glm-4.6") is None
    refusing = access.may_ask(found, "glm-5")
    assert refusing is not None
    assert refusing.level == "project"


def test_a_name_that_an_allowed_model_answers_is_allowed() -> None:
    """Who may use glm-4.6 may call it gpt-4o, where that is what answers."""
    access.check_model(scopes(Terms(models=("glm-4.6",))), "gpt-4o", "glm-4.6")


def test_a_model_that_is_not_allowed_is_refused_in_openais_words() -> None:
    """With what is allowed; a list of models, or one of them, does not show it."""
    found = scopes(Terms(models=("glm-4.6",)))
    with pytest.raises(PermissionRefused, match="It has access to: glm-4") as caught:
        access.check_model(found, "glm-5", "glm-5")
    assert (caught.value.status, caught.value.code, caught.value.zai_code) == (403, "model_not_found", "1220")
    with pytest.raises(ModelNotFound):
        access.check_shown(found, "glm-5")
    access.check_shown(found, "glm-4.6")


@pytest.mark.parametrize(
    ("addresses", "client", "is_allowed"),
    [
        ((), None, True),
        (("10.0.0.0/8",), "10.1.2.3", True),
        (("10.0.0.0/8",), "11.1.2.3", False),
        (("10.0.0.0/8",), None, False),
        (("192.0.2.7",), "192.0.2.7", True),
        (("2001:db8::/32", "10.0.0.1"), "2001:db8::7", True),
        (("2001:db8::/32",), "10.0.0.1", False),
        (("10.0.0.0/8",), "::ffff:10.1.2.3", True),
        (("10.0.0.0/8",), "::ffff:11.1.2.3", False),
        (("no address",), "10.0.0.1", False),
    ],
)
def test_addresses_are_allowed_by_network(addresses: tuple[str, ...], client: str | None, *, is_allowed: bool) -> None:
    """An address that is not known, and a list that cannot be read, open nothing."""
    found = scopes(Terms(), Terms(addresses=addresses))
    if is_allowed:
        access.check_address(found, client)
        return
    with pytest.raises(PermissionRefused, match="project 'the-project'") as caught:
        access.check_address(found, client)
    assert caught.value.code == "ip_not_authorized"


def test_every_list_of_addresses_has_to_have_the_client() -> None:
    """A key's own list opens nothing that its project's does not."""
    with pytest.raises(PermissionRefused):
        access.check_address(scopes(Terms(addresses=("10.0.0.0/8",)), Terms(addresses=("0.0.0.0/0",))), "192.0.2.1")


@pytest.mark.parametrize("is_admin", [True, False])
def test_keys_open_what_they_are_for(*, is_admin: bool) -> None:
    """An administrator's key asks no model, another one administers nothing; each is told what to do."""
    caller = Caller("k", admin=is_admin)
    access.check_kind(caller, admin=is_admin)
    with pytest.raises(PermissionRefused, match="glmgate keys create"):
        access.check_kind(caller, admin=not is_admin)


@pytest.mark.parametrize(
    "members",
    [
        {"thinking": {"type": "disabled"}},
        {"reasoning_effort": "low"},
        {"chat_template_kwargs": {"enable_thinking": True}},
    ],
)
def test_what_a_request_says_of_thinking_holds(members: dict[str, Any]) -> None:
    """In whichever of the words that there are for it."""
    request = chat(**members)
    assert access.thinking(scopes(Terms(thinking="on")), request) is request


def test_the_narrowest_default_of_thinking_holds() -> None:
    """A key's over its project's; what else is said of thinking stays."""
    found = scopes(Terms(thinking="on"), Terms(), Terms(thinking="off"))
    request = access.thinking(found, chat(thinking={"clear_thinking": False}))
    assert isinstance(request, ChatRequest)
    assert request.thinking is not None
    assert (request.thinking.type, request.thinking.clear_thinking) == ("disabled", False)
    assert access.thinking(scopes(Terms()), chat()) == chat()


def test_text_completions_do_not_think() -> None:
    """There is nothing to say it with."""
    request = CompletionRequest(model="m", prompt="x")
    assert access.thinking(scopes(Terms(thinking="on")), request) is request


def test_the_least_limit_of_an_answer_holds() -> None:
    """Of all scopes; None where none says one."""
    assert access.longest(scopes(Terms(max_tokens=50), Terms(), Terms(max_tokens=90))) == 50
    assert access.longest(scopes(Terms())) is None


@pytest.mark.parametrize(
    ("request_", "fields", "notes", "is_exact"),
    [
        (chat(max_tokens=400), (120, None), ["max_tokens=400->120"], False),
        (chat(max_completion_tokens=400), (None, 120), ["max_tokens=400->120"], False),
        (chat(max_tokens=500, max_completion_tokens=400), (120, 120), ["max_tokens=400->120"], False),
        (chat(max_tokens=120), (120, None), [], True),
        (chat(max_tokens=400, max_completion_tokens=90), (400, 90), [], True),
        (chat(), (120, None), ["max_tokens=unset->120"], True),
    ],
)
def test_an_answer_is_limited(
    request_: Generation, fields: tuple[int | None, int | None], notes: list[str], *, is_exact: bool
) -> None:
    """Whichever name the request has for it; lowering what was asked for is told as a change, and as no exact one."""
    limited, told = access.limited(request_, 120)
    assert isinstance(limited, ChatRequest)
    assert (limited.max_tokens, limited.max_completion_tokens) == fields
    assert [str(note) for note in told] == notes
    assert all(note.exact for note in told) == is_exact


def test_text_completions_are_limited_too() -> None:
    """By their only name for it."""
    limited, told = access.limited(CompletionRequest(model="m", prompt="x", max_tokens=7), 3)
    assert (limited.max_tokens, [str(note) for note in told]) == (3, ["max_tokens=7->3"])
