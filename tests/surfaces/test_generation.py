"""Generated text on its way out, plain and streamed, in both dialects."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from glmgate.errors import CapacityExceeded, EngineFailed, InvalidRequest
from glmgate.wire.chat import ChatRequest
from glmgate.wire.delta import Delta, ToolCallDelta
from glmgate.wire.engine import Note
from tests.fakes.gateway import HELLO, USAGE, FakeGateway
from tests.surfaces.asgi_client import AUTHORIZED, AsgiClient
from tests.surfaces.conftest import MakeClient
from tests.surfaces.live import until

V1 = "/v1/chat/completions"
PAAS = "/api/paas/v4/chat/completions"
BODY: dict[str, Any] = {"model": "glm-4.6", "messages": [{"role": "user", "content": "hello"}]}
STREAM = BODY | {"stream": True}
CALL = (
    (Delta(tool_calls=(ToolCallDelta(0, id="call_1", name="f", arguments=""),)),),
    (Delta(tool_calls=(ToolCallDelta(0, arguments='{"a"'),)),),
    (Delta(tool_calls=(ToolCallDelta(0, arguments=":1}"),)),),
    (Delta(finish_reason="tool_calls", usage=USAGE),),
)


async def test_plain_answer_is_the_fold_of_the_deltas(client: AsgiClient) -> None:
    """One body with the text, the reasoning, the end and the tokens; the model is the one that answered."""
    answer = await client.post(V1, BODY)
    body = answer.json()
    assert (answer.status, body["object"], body["model"]) == (200, "chat.completion", "glm-fake")
    [choice] = body["choices"]
    assert choice["message"] == {"role": "assistant", "content": "Hello there", "reasoning_content": "hm"}
    assert choice["finish_reason"] == "stop"
    assert body["usage"]["total_tokens"] == 7


@pytest.mark.parametrize("path", [V1, PAAS, "/v4/chat/completions", "/api/v1/chat/completions/"])
async def test_stream_keeps_the_contract(client: AsgiClient, path: str) -> None:
    """Contract 3.3: one choice a chunk, both text keys in each delta, usage once, `[DONE]` last."""
    answer = await client.post(path, STREAM)
    *chunks, done = answer.events()
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert done == "[DONE]"
    assert all(len(chunk["choices"]) == 1 for chunk in chunks)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert all({"content", "reasoning_content"} <= delta.keys() for delta in deltas)
    assert "".join(delta["content"] or "" for delta in deltas) == "Hello there"
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, None, None, "stop"]
    assert ["usage" in chunk for chunk in chunks] == [False, False, False, True]
    assert len({chunk["id"] for chunk in chunks}) == 1


async def test_usage_has_a_chunk_of_its_own_on_openais_surface_when_asked(client: AsgiClient) -> None:
    """Contract S1: the empty-choices chunk, and then nowhere else."""
    *chunks, _ = (await client.post(V1, STREAM | {"stream_options": {"include_usage": True}})).events()
    assert [chunk["choices"] == [] for chunk in chunks] == [False] * 4 + [True]
    assert [index for index, chunk in enumerate(chunks) if "usage" in chunk] == [4]


async def test_usage_stays_on_the_finish_chunk_on_glms_surface(client: AsgiClient) -> None:
    """Contract S1: GLM's clients never see a chunk without a choice."""
    *chunks, _ = (await client.post(PAAS, STREAM | {"stream_options": {"include_usage": True}})).events()
    assert [index for index, chunk in enumerate(chunks) if "usage" in chunk] == [3]
    assert all(chunk["choices"] for chunk in chunks)


async def test_one_write_for_each_batch_of_deltas(client: AsgiClient) -> None:
    """What one read brought leaves in one write."""
    answer = await client.post(V1, STREAM)
    assert [piece.count(b"data: ") for piece in answer.pieces] == [1, 2, 2]


@pytest.mark.parametrize(
    ("path", "asked", "pieces"),
    [
        (PAAS, {}, ['{"a":1}']),
        (PAAS, {"tool_stream": True}, ["", '{"a"', ":1}"]),
        (V1, {}, ["", '{"a"', ":1}"]),
        (V1, {"tool_stream": False}, ['{"a":1}']),
    ],
)
async def test_tool_calls_come_in_pieces_or_whole(
    client: AsgiClient, gateway: FakeGateway, path: str, asked: dict[str, bool], pieces: list[str]
) -> None:
    """GLM's clients ask for pieces with `tool_stream`, OpenAI's always get them; each has its index."""
    gateway.script = CALL
    *chunks, _ = (await client.post(path, STREAM | asked)).events()
    calls = [call for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", [])]
    assert [call["function"]["arguments"] for call in calls] == pieces
    assert {call["index"] for call in calls} == {0}
    assert calls[0]["id"] == "call_1"


@pytest.mark.parametrize("stream", [True, False])
async def test_legacy_functions_are_answered_in_their_form(
    client: AsgiClient, gateway: FakeGateway, *, stream: bool
) -> None:
    """A caller that speaks `functions` reads `function_call` (contract C7)."""
    gateway.script = CALL
    answer = await client.post(V1, BODY | {"functions": [{"name": "f"}], "stream": stream})
    if stream:
        choices = [chunk["choices"][0] for chunk in answer.events()[:-1]]
        parts = [choice["delta"]["function_call"] for choice in choices if "function_call" in choice["delta"]]
        call = {"name": parts[0]["name"], "arguments": "".join(part["arguments"] for part in parts)}
    else:
        choices = answer.json()["choices"]
        call = choices[0]["message"]["function_call"]
    assert call == {"name": "f", "arguments": '{"a":1}'}
    assert choices[-1]["finish_reason"] == "function_call"


async def test_id_is_the_callers_on_glms_surface(client: AsgiClient) -> None:
    """`request_id` of the body names the answer, twice (contract 3.2)."""
    body = (await client.post(PAAS, BODY | {"request_id": "my-request-1"})).json()
    assert body["id"] == body["request_id"] == "my-request-1"


async def test_id_is_the_requests_without_one(client: AsgiClient) -> None:
    """The id in the body and the one in the header find the same line of the log."""
    answer = await client.post(PAAS, BODY)
    assert answer.json()["id"] == answer.headers["x-request-id"]


async def test_id_has_openais_prefix_on_its_surface(client: AsgiClient) -> None:
    """Applications that look at the prefix find it."""
    answer = await client.post(V1, BODY)
    assert answer.json()["id"] == f"chatcmpl-{answer.headers['x-request-id']}"
    text = await client.post("/v1/completions", {"model": "m", "prompt": "x"})
    assert text.json()["id"].startswith("cmpl-")


@pytest.mark.parametrize("unfit", ["", "x" * 129, "a\nb"])
async def test_unfit_request_id_is_refused(client: AsgiClient, unfit: str) -> None:
    """The refusal names the field."""
    answer = await client.post(PAAS, BODY | {"request_id": unfit})
    assert (answer.status, answer.json()["error"]["param"]) == (400, "request_id")


async def test_refusal_before_the_first_delta_has_its_own_status(client: AsgiClient, gateway: FakeGateway) -> None:
    """A stream that has not begun is no stream."""
    gateway.refusal = CapacityExceeded("full", retry_after_s=2)
    answer = await client.post(V1, STREAM)
    assert (answer.status, answer.headers["retry-after"], answer.headers["x-should-retry"]) == (429, "2", "true")
    assert answer.headers["content-type"] == "application/json"


async def test_failure_before_anything_was_sent_has_its_own_status(client: AsgiClient, gateway: FakeGateway) -> None:
    """Headers wait for the first delta, so that a failing engine can still be told by status."""
    gateway.script = (0.01, EngineFailed("the engine broke"))
    assert (await client.post(V1, STREAM)).status == 502


async def test_failure_on_the_way_is_the_last_event(client: AsgiClient, gateway: FakeGateway) -> None:
    """One error event ends the stream; `[DONE]` would say that all is well (contract 3.3)."""
    gateway.script = (*HELLO[:2], EngineFailed("the engine broke"))
    answer = await client.post(PAAS, STREAM)
    *_, last = answer.events()
    assert answer.status == 200
    assert (last["error"]["code"], last["error"]["message"]) == ("1234", "the engine broke")
    assert b"[DONE]" not in answer.body


async def test_unknown_failure_on_the_way_tells_nothing(client: AsgiClient, gateway: FakeGateway) -> None:
    """The text of an unexpected exception may hold anything."""
    gateway.script = (*HELLO[:2], ValueError("secret"))
    answer = await client.post(V1, STREAM)
    assert answer.events()[-1]["error"]["code"] == "internal_error"
    assert b"secret" not in answer.body
    assert answer.headers["x-request-id"].encode() in answer.pieces[-1]


async def test_silence_is_filled_and_disturbs_nothing(make_client: MakeClient, gateway: FakeGateway) -> None:
    """Comments keep proxies from closing, and no client sees an event."""
    gateway.script = (0.12, *HELLO)
    answer = await make_client(comment_after_s=0.05).post(V1, STREAM)
    assert answer.pieces[0] == b": ping\n\n"
    assert len(answer.events()) == 5


async def test_failure_after_a_comment_is_an_event(make_client: MakeClient, gateway: FakeGateway) -> None:
    """With the first comment the status has left."""
    gateway.script = (0.12, EngineFailed("the engine broke"))
    answer = await make_client(comment_after_s=0.05).post(V1, STREAM)
    assert (answer.status, answer.events()[0]["error"]["code"]) == (200, "engine_failed")


@pytest.mark.parametrize("body", [BODY, STREAM])
async def test_lost_client_stops_the_work_at_once(client: AsgiClient, gateway: FakeGateway, body: Any) -> None:
    """Plain or streamed: what nobody will read is not generated."""
    gateway.script = (HELLO[0], 60.0)
    tasks = asyncio.all_tasks()
    exchange = client.exchange([msgspec.json.encode(body)])
    running = asyncio.create_task(client.run(exchange, "POST", V1))
    await until(lambda: gateway.running, within_s=1)
    exchange.gone.set()
    await asyncio.wait_for(running, timeout=0.1)
    assert (gateway.running, gateway.cancelled) == (0, 1)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks


async def test_known_changes_stand_in_the_header(client: AsgiClient, gateway: FakeGateway) -> None:
    """Known when the headers leave: in the header. All of them: with the end."""
    gateway.first_note = Note("temperature", "1.7->1.0")
    gateway.script = (*HELLO[:2], Note("stop", "emulated"), HELLO[2])
    answer = await client.post(V1, STREAM)
    assert answer.headers["x-glmgate-adaptations"] == "temperature=1.7->1.0"
    finish = answer.events()[-2]
    assert "stop=emulated" in finish["glmgate"]["adaptations"]


async def test_plain_answer_reports_all_changes(client: AsgiClient, gateway: FakeGateway) -> None:
    """Nothing has left before everything is known."""
    gateway.first_note = Note("temperature", "1.7->1.0")
    gateway.script = (*HELLO[:2], Note("stop", "emulated"), HELLO[2])
    answer = await client.post(V1, BODY)
    assert answer.headers["x-glmgate-adaptations"] == "temperature=1.7->1.0; stop=emulated"
    assert answer.json()["glmgate"]["adaptations"] == ["temperature=1.7->1.0", "stop=emulated"]


@pytest.mark.parametrize(
    ("header", "member", "strict"),
    [({}, {}, False), ({"x-glmgate-strict": "1"}, {}, True), ({}, {"glmgate": {"strict": True}}, True)],
)
async def test_strictness_is_asked_for_in_header_or_body(
    client: AsgiClient, gateway: FakeGateway, header: dict[str, str], member: dict[str, Any], *, strict: bool
) -> None:
    """Either is enough."""
    await client.post(V1, BODY | member, AUTHORIZED | header)
    assert gateway.calls[0].strict is strict


async def test_call_says_who_asks_and_how(client: AsgiClient, gateway: FakeGateway) -> None:
    """What goes with the request on its way."""
    headers = {"traceparent": "00-1-2-01", "x-request-id": "r-1"}
    await client.post(PAAS, BODY, AUTHORIZED | headers)
    call = gateway.calls[0]
    assert (call.caller.key_id, call.surface, call.request_id, call.traceparent) == (
        "an-id",
        "zai",
        "r-1",
        "00-1-2-01",
    )


async def test_nulls_are_absent_and_unknown_members_are_kept(client: AsgiClient, gateway: FakeGateway) -> None:
    """Official SDKs send nulls with every call (contract 0.6)."""
    nulls = {"response_format": None, "thinking": None, "tools": None, "stream": None, "request_id": None}
    await client.post(PAAS, BODY | nulls | {"watermark": 7})
    [request] = gateway.requests
    assert isinstance(request, ChatRequest)
    assert (request.thinking, request.unknown) == (None, {"watermark": 7})


async def test_text_completions_have_their_form(client: AsgiClient) -> None:
    """Plain and streamed text instead of messages (contract L1)."""
    body = {"model": "m", "prompt": "x"}
    assert (await client.post("/v1/completions", body)).json()["choices"][0]["text"] == "Hello there"
    *chunks, _ = (await client.post("/v1/completions", body | {"stream": True})).events()
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == "Hello there"


async def test_refusal_of_the_gateway_names_its_field(client: AsgiClient, gateway: FakeGateway) -> None:
    """`param` reaches the client."""
    gateway.refusal = InvalidRequest("too hot", param="temperature")
    error = (await client.post(PAAS, BODY)).json()["error"]
    assert (error["code"], error["param"]) == ("1210", "temperature")


@pytest.mark.parametrize("member", ["cache", "remember"])
@pytest.mark.parametrize("wanted", [True, False])
async def test_memory_is_switched_in_header_or_body(
    client: AsgiClient, gateway: FakeGateway, member: str, wanted: bool
) -> None:
    """`x-glmgate-cache` and `x-glmgate-remember`, or the members of `glmgate`; nothing said leaves it to settings."""
    await client.post(V1, BODY)
    await client.post(V1, BODY, headers=AUTHORIZED | {f"x-glmgate-{member}": "on" if wanted else "off"})
    await client.post(V1, BODY | {"glmgate": {member: wanted}})
    assert [getattr(call, member) for call in gateway.calls] == [None, wanted, wanted]


async def test_a_misspelt_switch_is_refused(client: AsgiClient, gateway: FakeGateway) -> None:
    """Before anybody is asked, with the header's name."""
    for name in ("x-glmgate-cache", "x-glmgate-strict"):
        answer = await client.post(V1, BODY, headers=AUTHORIZED | {name: "offf"})
        assert (answer.status, answer.json()["error"]["param"], gateway.calls) == (400, name, [])


@pytest.mark.parametrize("body", [BODY, STREAM])
async def test_what_the_cache_had_is_in_a_header(
    client: AsgiClient, gateway: FakeGateway, body: dict[str, Any]
) -> None:
    """Plain and streamed."""
    gateway.cache_use = "shared"
    assert (await client.post(V1, body)).headers["x-glmgate-cache"] == "shared"


@pytest.mark.parametrize(("given", "handed_on"), [("s-1", "s-1"), ("x" * 129, None), ("a\tb", None)])
async def test_a_session_is_handed_on(
    client: AsgiClient, gateway: FakeGateway, given: str, handed_on: str | None
) -> None:
    """`x-session-id`, where it can be a header again."""
    await client.post(V1, BODY, headers=AUTHORIZED | {"x-session-id": given})
    assert gateway.calls[0].session_id == handed_on
