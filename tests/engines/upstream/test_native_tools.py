"""Tools that a service runs itself, from its bytes to ours: nothing is lost, whatever comes between (contract 3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from glmgate.engines.upstream import whole
from glmgate.surfaces.whole_calls import WholeCalls
from glmgate.wire.answers import ChunkWriter, Head
from glmgate.wire.delta import Delta
from glmgate.wire.sse import DONE_DATA, SseReader
from tests.engines.upstream.reading import DONE, body, calls, finish, folded, read_cut, reading, text

KINDS = ("code_interpreter", "web_browser", "drawing_tool")


@dataclass(frozen=True)
class Call:
    """A call as the service makes it: a function (`kind` empty), or one of its own tools; `cuts` are its pieces."""

    kind: str
    put: tuple[str, ...]
    outputs: tuple[str, ...] = ()
    in_one: bool = False

    @property
    def said(self) -> str:
        """All that is put in."""
        return "".join(self.put)


def chunks_of(call: Call, name: str, index: int) -> list[bytes]:
    """A call's chunks; its id is on the first."""
    if not call.kind:
        function = {"name": name, "arguments": ""}
        begun = calls({"index": index, "id": name, "type": "function", "function": function})
        return [begun, *(calls({"index": index, "function": {"arguments": piece}}) for piece in call.put)]
    bodies: list[dict[str, Any]] = [{"input": piece} for piece in call.put]
    if call.outputs:
        bodies.append({"outputs": [{"logs": each} for each in call.outputs]})
    if call.in_one:
        bodies = [{"input": call.said, "outputs": [{"logs": each} for each in call.outputs]}]
    first = {"id": name, "type": call.kind, call.kind: bodies[0], "of_theirs": index}
    return [calls(first), *(calls({"type": call.kind, call.kind: each}) for each in bodies[1:])]


def as_clients_read(chunks: Sequence[dict[str, Any]]) -> dict[str, tuple[str, str, list[str]]]:
    """Each call by its id: its type, what was put in and what came out; indexes are looked at on the way."""
    made: dict[str, tuple[str, str, list[str]]] = {}
    named: dict[int, str] = {}
    last = -1
    of_kind: dict[str, str] = {}
    for piece in (piece for each in chunks for piece in each["choices"][0]["delta"].get("tool_calls") or ()):
        kind, index = piece.get("type", "function"), piece["index"]
        assert index <= last + 1
        if kind == "function":
            name = named.setdefault(index, piece.get("id", ""))
            put, outputs = piece["function"]["arguments"], []
        else:
            assert index == last + 1
            name = of_kind[kind] = piece.get("id") or of_kind[kind]
            put, outputs = piece[kind].get("input", ""), [each["logs"] for each in piece[kind].get("outputs", ())]
        last = max(last, index)
        _, put_before, outputs_before = made.get(name, (kind, "", []))
        made[name] = (kind, put_before + put, outputs_before + outputs)
    return made


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)
CALLS = st.builds(
    Call,
    kind=st.sampled_from(("", *KINDS)),
    put=st.lists(TEXTS, min_size=1, max_size=3).map(tuple),
    outputs=st.lists(TEXTS, max_size=2).map(tuple),
    in_one=st.booleans(),
)


@given(
    said=st.lists(st.one_of(TEXTS, CALLS), max_size=6),
    cuts=st.lists(st.integers(0, 200), max_size=20),
    glms=st.booleans(),
)
def test_any_answer_comes_out_equal(said: list[str | Call], cuts: list[int], glms: bool) -> None:
    """However the bytes are cut and the calls are mixed with functions and text; on both surfaces."""
    made = [item for item in said if isinstance(item, Call)]
    places = iter(range(len(made)))
    data = b""
    for item in said:
        if isinstance(item, str):
            data += text(item)
        else:
            place = next(places)
            data += b"".join(chunks_of(item, f"id{place}", place))
    deltas = read_cut(text("Begin: ") + data + finish("tool_calls" if made else "stop") + DONE, cuts)
    writer = ChunkWriter(Head(surface="zai" if glms else "openai", id="x", created=1, model="m"))
    sent = writer.write(WholeCalls().feed(deltas) if glms else deltas) + writer.finish()
    chunks = [msgspec.json.decode(event.data) for event in SseReader().feed(sent) if event.data != DONE_DATA]
    expected = {
        f"id{place}": (call.kind or "function", call.said, list(call.outputs if call.kind else ()))
        for place, call in enumerate(made)
    }
    assert as_clients_read(chunks) == expected
    texts = "".join(chunk["choices"][0]["delta"]["content"] or "" for chunk in chunks)
    assert texts == "Begin: " + "".join(item for item in said if isinstance(item, str))
    folds = folded(deltas)
    assert [call.native for call in folds.calls if call.native] == [
        {
            "id": f"id{place}",
            "type": call.kind,
            call.kind: {"input": call.said}
            | ({"outputs": [{"logs": each} for each in call.outputs]} if call.outputs or call.in_one else {}),
            "of_theirs": place,
        }
        for place, call in enumerate(made)
        if call.kind
    ]


def one(*pieces: dict[str, Any]) -> list[Any]:
    """What each piece of an answer's calls is, as it came."""
    deltas = read_cut(b"".join(map(calls, pieces)) + finish() + DONE, [])
    return [piece.native for delta in deltas for piece in delta.tool_calls]


def test_members_that_nobody_knows_are_kept() -> None:
    """Of the call, and of what it says; an index of theirs is replaced by ours."""
    piece = {"id": "a", "type": "web_browser", "index": 0, "more": {"x": 1}, "web_browser": {"input": "q", "page": 2}}
    assert one(piece) == [{name: value for name, value in piece.items() if name != "index"}]


def test_a_type_that_nobody_knows_is_kept() -> None:
    """Whatever a service will have next."""
    piece = {"id": "a", "type": "sandbox_shell", "sandbox_shell": {"commands": ["ls"]}}
    assert one(piece) == [piece]


def test_null_is_absent() -> None:
    """Contract 0.6: readers of these pieces ask whether there is an `outputs`, not what it is."""
    body = {"input": "1", "outputs": None, "state": None}
    assert one({"id": "a", "type": "code_interpreter", "code_interpreter": body, "function": None}) == [
        {"id": "a", "type": "code_interpreter", "code_interpreter": {"input": "1", "state": None}}
    ]


def test_a_piece_without_a_type_has_that_of_its_body() -> None:
    """Clients tell pieces apart by it."""
    assert one({"id": "a", "drawing_tool": {"input": "a cat"}}) == [
        {"type": "drawing_tool", "id": "a", "drawing_tool": {"input": "a cat"}}
    ]


def test_a_call_without_an_id_gets_one() -> None:
    """On its first piece; every further call has its own."""
    put: dict[str, Any] = {"type": "code_interpreter", "code_interpreter": {"input": "1"}}
    out: dict[str, Any] = {"type": "code_interpreter", "code_interpreter": {"outputs": []}}
    assert [piece.get("id") for piece in one(put, out, put, put)] == ["call_1", None, "call_2", None]


def test_a_whole_answer_has_them_whole() -> None:
    """One call is one, however much of it there is; its words stand beside it."""
    call = {"id": "a", "type": "code_interpreter", "code_interpreter": {"input": "1", "outputs": [{"logs": "1"}]}}
    function = {"id": "b", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": "One.", "tool_calls": [call, function]}
    answer = body(finish_reason="tool_calls") | {"object": "chat.completion"}
    answer["choices"] = [{"index": 0, "finish_reason": "tool_calls", "message": message}]
    (delta,) = whole.read(msgspec.json.encode(answer), reading())
    assert isinstance(delta, Delta)
    choice = folded([delta])
    assert (choice.content, choice.finish_reason) == ("One.", "tool_calls")
    assert [call.native or call.name for call in choice.calls] == [call, "f"]
