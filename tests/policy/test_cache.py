"""Tests of the cache's decisions: which requests are equal, which answers are kept, and in what bounds."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmgate.policy.bounded import ENTRY_BYTES
from glmgate.policy.cache import (
    MemoryAnswerCache,
    dearest,
    is_deterministic,
    is_whole,
    key_of,
    packed,
    size_of,
    unpacked,
    unpacked_embeddings,
)
from glmgate.wire.chat import ChatRequest
from glmgate.wire.completions import CompletionRequest
from glmgate.wire.delta import Delta, FinishReason, ToolCallDelta, Usage
from glmgate.wire.embeddings import Embeddings, EmbeddingsRequest
from glmgate.wire.engine import CacheUse, Caller
from glmgate.wire.members import convert
from tests.fakes.clock import FakeClock

BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "temperature": 0}
CALLER = Caller(key_id="k", organisation="o", project="p")


def key(body: dict[str, Any], caller: Caller = CALLER, deployment: str = "d", profile: str = "1") -> str:
    """The key of a body."""
    return key_of(convert(body, ChatRequest), caller, deployment=deployment, profile_version=profile)


def test_equal_requests_have_one_key() -> None:
    """Whoever of the project asks, and in whatever order the members come."""
    reverse = dict(reversed(BODY.items()))
    assert key(reverse, Caller(key_id="other", organisation="o", project="p")) == key(BODY)


@pytest.mark.parametrize(
    "of_the_way",
    [{"stream": True}, {"stream_options": {"include_usage": True}}, {"request_id": "r"}, {"glmgate": {"cache": True}}],
)
def test_how_an_answer_travels_is_not_in_the_key(of_the_way: dict[str, Any]) -> None:
    """A plain answer may be played as a stream, and the other way round."""
    assert key(BODY | of_the_way) == key(BODY)


@pytest.mark.parametrize(
    "change",
    [
        {"model": "n"},
        {"messages": [{"role": "user", "content": "hello "}]},
        {"messages": [{"role": "system", "content": "hello"}]},
        {"messages": [{"role": "user", "content": "hello", "unheard_of": 1}]},
        {"temperature": 0.5},
        {"seed": 1},
        {"user_id": "somebody"},
        {"unheard_of": None},
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
    ],
)
def test_another_request_has_another_key(change: dict[str, Any]) -> None:
    """Every member that may change the answer counts, unknown ones at every level too."""
    assert key(BODY | change) != key(BODY)


def test_the_order_of_a_schemas_properties_counts() -> None:
    """Models write members in that order."""

    def asking(*properties: str) -> dict[str, Any]:
        schema: dict[str, Any] = {"properties": {name: {} for name in properties}}
        return BODY | {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}

    assert key(asking("a", "b")) != key(asking("b", "a"))


@given(st.tuples(*[st.text(max_size=3)] * 4), st.tuples(*[st.text(max_size=3)] * 4))
def test_nothing_crosses_projects_deployments_or_profiles(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    """Whatever they are called: equal keys only for equal organisation, project, deployment and profile."""
    keys = {
        key(BODY, Caller(key_id="k", organisation=scope[0], project=scope[1]), scope[2], scope[3])
        for scope in (one, other)
    }
    assert (len(keys) == 1) is (one == other)


def test_requests_of_another_kind_have_another_key() -> None:
    """A text to continue is no text to embed."""
    keys = {
        key_of(request, CALLER, deployment="d", profile_version="1")
        for request in (CompletionRequest(model="m"), ChatRequest(model="m", messages=[]))
    }
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("members", "deterministic"),
    [
        ({"temperature": 0}, True),
        ({"temperature": 0.0}, True),
        ({"temperature": None, "do_sample": False}, True),
        ({"temperature": 0.01}, False),
        ({"temperature": None}, False),
        ({"temperature": 1, "seed": 7}, False),
    ],
)
def test_greedy_text_is_deterministic(members: dict[str, Any], *, deterministic: bool) -> None:
    """Row T1: temperature 0 or no sampling. Row N3: a seed is a wish, not a promise."""
    assert is_deterministic(convert(BODY | members, ChatRequest)) is deterministic


def test_embeddings_and_greedy_completions_are_deterministic() -> None:
    """A text has one vector."""
    assert is_deterministic(EmbeddingsRequest(model="m", input="a"))
    assert is_deterministic(CompletionRequest(model="m", temperature=0))
    assert not is_deterministic(CompletionRequest(model="m"))


@pytest.mark.parametrize("reason", get_args(FinishReason))
def test_only_answers_with_a_good_end_are_kept(reason: FinishReason) -> None:
    """Filters and faults may be gone the next time; a cut by the caller's own limit would be the same."""
    good = {"stop", "length", "tool_calls", "function_call"}
    assert is_whole([(Delta(content="a"),), (Delta(finish_reason=reason),)]) is (reason in good)


def test_an_answer_without_its_end_is_not_kept() -> None:
    """Nor is nothing, nor one of which a choice is missing."""
    assert not is_whole([])
    assert not is_whole([(Delta(content="a"),)])
    assert not is_whole([(Delta(content="a"),), (Delta(choice=1, finish_reason="stop"),)])


DELTAS = st.builds(
    Delta,
    choice=st.integers(0, 3),
    content=st.none() | st.text(),
    reasoning=st.none() | st.text(),
    tool_calls=st.lists(
        st.builds(ToolCallDelta, st.integers(0, 3), st.none() | st.text(), st.none() | st.text(), st.text()), max_size=2
    ).map(tuple),
    finish_reason=st.none() | st.sampled_from(get_args(FinishReason)),
    usage=st.none() | st.builds(Usage, st.integers(0, 9), st.integers(0, 9)),
    logprobs=st.none() | st.dictionaries(st.text(), st.lists(st.floats(allow_nan=False))),
)


@given(st.lists(st.lists(DELTAS, max_size=3).map(tuple), max_size=5).map(tuple))
def test_an_answer_comes_back_read_by_read(reads: tuple[tuple[Delta, ...], ...]) -> None:
    """Packed and unpacked, it is what it was."""
    assert unpacked(packed(reads)) == reads


@given(st.lists(st.lists(st.floats(allow_nan=False)).map(tuple)).map(tuple), st.integers(0, 1000))
def test_vectors_come_back_exactly(vectors: tuple[tuple[float, ...], ...], tokens: int) -> None:
    """Every bit of them."""
    assert unpacked_embeddings(packed(Embeddings(vectors, tokens))) == Embeddings(vectors, tokens)


def test_the_dearest_use_counts() -> None:
    """An answer of several calls is a hit only when all of them are."""
    uses: list[CacheUse] = ["hit", "shared", "hit"]
    seen: CacheUse | None = None
    for use in uses:
        seen = dearest(seen, use)
    assert seen == "shared"
    assert dearest("miss", "hit") == "miss"
    assert dearest(None, "hit") == "hit"


def test_the_size_of_a_read_grows_with_its_texts() -> None:
    """Text, thoughts, calls of both kinds, logprobs and what stands beside the choices all count."""
    small = size_of((Delta(content="a"),))
    for large in (
        Delta(content="a" * 1000),
        Delta(reasoning="a" * 1000),
        Delta(tool_calls=(ToolCallDelta(0, arguments="a" * 1000),)),
        Delta(logprobs={"content": ["a" * 1000]}),
        Delta(tool_calls=(ToolCallDelta(0, native={"type": "web_browser", "web_browser": {"input": "a" * 1000}}),)),
        Delta(content="a", extra={"web_search": [{"content": "a" * 1000}]}),
    ):
        assert size_of((large,)) >= small + 900
    assert size_of(()) == 0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3000)), max_size=40))
async def test_the_cache_is_bounded(answers: list[tuple[int, int]]) -> None:
    """Whatever is kept: never more bytes than there is room for, nor an answer longer than it may be."""
    cache = MemoryAnswerCache(most_bytes=5000, longest_bytes=2000)
    for name, size in answers:
        await cache.keep(str(name), b"x" * size, ttl_s=60)
        assert cache.size <= 5000
        assert len(await cache.find(str(name)) or b"") <= 2000


async def test_an_answer_is_forgotten_in_time() -> None:
    """It stays as long as its own time says."""
    clock = FakeClock()
    cache = MemoryAnswerCache(most_bytes=5000, longest_bytes=2000, clock=clock)
    await cache.keep("a", b"1", ttl_s=60)
    await cache.keep("b", b"2", ttl_s=30)
    clock.advance(30)
    assert (await cache.find("a"), await cache.find("b")) == (b"1", None)
    assert cache.size == ENTRY_BYTES + 1
