"""Reading bodies within bounds."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from glmgate.errors import BodyTimedOut, BodyTooLarge, BodyUnreadable, EncodingRefused, Unavailable
from glmgate.surfaces.asgi import Message
from glmgate.surfaces.body import BodyBudget, BodyReader, is_costly_to_skip
from glmgate.surfaces.presence import ClientGone
from glmgate.surfaces.request import Request, begin
from glmgate.surfaces.settings import ServerSettings
from tests.surfaces.asgi_client import AsgiClient
from tests.surfaces.conftest import MakeClient

QUESTION = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def _request(**headers: str) -> Request:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return begin({"type": "http", "method": "POST", "path": "/v1/embeddings", "headers": pairs})


def _reader(
    pieces: list[Message], budget: BodyBudget | None = None, *, request: Request | None = None, **settings: object
) -> BodyReader:
    async def receive() -> Message:
        if not pieces:
            await asyncio.sleep(60)
        return pieces.pop(0)

    bounds = msgspec.convert(settings, ServerSettings)
    return BodyReader(request or _request(), receive, bounds, budget or BodyBudget(bounds.total_body_bytes))


def _pieces(*bodies: bytes) -> list[Message]:
    last = len(bodies) - 1
    return [{"type": "http.request", "body": body, "more_body": index < last} for index, body in enumerate(bodies)]


async def test_pieces_make_the_body() -> None:
    """A body arrives in as many pieces as the network likes."""
    request = _request()
    assert await _reader(_pieces(b"ab", b"", b"c"), request=request).read() == b"abc"
    assert request.body_is_read


async def test_announced_length_over_the_limit_is_refused_unread() -> None:
    """Nothing is read of a body that says itself that it is too large."""
    pieces = _pieces(b"x" * 20)
    with pytest.raises(BodyTooLarge, match="10 bytes"):
        await _reader(pieces, request=_request(content_length="20"), max_body_bytes=10).read()
    assert pieces


async def test_pieces_over_the_limit_are_refused() -> None:
    """A chunked body is counted while it arrives."""
    with pytest.raises(BodyTooLarge):
        await _reader(_pieces(b"x" * 6, b"x" * 6), max_body_bytes=10).read()


async def test_budget_is_given_back_at_the_end() -> None:
    """What one body held, another may hold."""
    budget = BodyBudget(10)
    reader = _reader(_pieces(b"x" * 10), budget)
    await reader.read()
    assert budget.used_bytes == 10
    reader.close()
    assert budget.used_bytes == 0


async def test_bodies_together_are_bounded() -> None:
    """With the memory for bodies used up, a client is told to come again."""
    budget = BodyBudget(15)
    await _reader(_pieces(b"x" * 10), budget).read()
    late = _reader(_pieces(b"x" * 10), budget)
    with pytest.raises(Unavailable) as refusal:
        await late.read()
    assert refusal.value.retry_after_s == 1.0
    late.close()
    assert budget.used_bytes == 10


async def test_silent_body_times_out() -> None:
    """A client that stops in the middle is not waited for."""
    with pytest.raises(BodyTimedOut, match="2 bytes came"):
        await _reader(_pieces(b"ab", b"c")[:1], body_timeout_s=0.05).read()


async def test_steady_body_may_take_longer() -> None:
    """Each 64 KiB that came are worth another second."""
    pieces = _pieces(b"x" * 65536, b"y")

    async def receive() -> Message:
        if len(pieces) == 1:
            await asyncio.sleep(0.2)
        return pieces.pop(0)

    reader = BodyReader(_request(), receive, ServerSettings(body_timeout_s=0.05), BodyBudget(1_000_000))
    assert len(await reader.read()) == 65537


async def test_lost_client_ends_the_reading() -> None:
    """Nobody is left to answer."""
    with pytest.raises(ClientGone):
        await _reader([{"type": "http.disconnect"}]).read()


async def test_compressed_body_is_refused() -> None:
    """What it would grow to is not known."""
    with pytest.raises(EncodingRefused, match="gzip"):
        await _reader(_pieces(b"x"), request=_request(content_encoding="gzip")).read()


async def test_identity_is_no_compression() -> None:
    """The encoding that means none is accepted."""
    assert await _reader(_pieces(b"x"), request=_request(content_encoding="Identity")).read() == b"x"


async def test_length_that_is_no_number_is_refused() -> None:
    """Servers check it before us; not all of them do."""
    with pytest.raises(BodyUnreadable, match="content-length"):
        await _reader(_pieces(b"x"), request=_request(content_length="1e3")).read()


def test_small_body_of_known_length_is_cheap_to_skip() -> None:
    """The connection is worth more than 64 KiB."""
    assert not is_costly_to_skip(_request(content_length="1000"))
    assert not is_costly_to_skip(_request())


@pytest.mark.parametrize(
    "headers", [{"content_length": "70000"}, {"transfer_encoding": "chunked"}, {"expect": "100-continue"}]
)
def test_other_bodies_are_costly_to_skip(headers: dict[str, str]) -> None:
    """Large ones, those of unknown size, and those that may never come."""
    assert is_costly_to_skip(_request(**headers))


async def test_too_large_body_answers_413_and_closes(make_client: MakeClient) -> None:
    """The client reads why; the connection is not used again, for the rest of the body would follow on it."""
    answer = await make_client(max_body_bytes=100).post("/v1/embeddings", b"x" * 70_000)
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert answer.json()["error"]["code"] == "request_too_large"


async def test_compressed_body_answers_415(client: AsgiClient) -> None:
    """A clear refusal instead of `invalid JSON`."""
    headers = {"authorization": "Bearer an-id.a-secret", "content-encoding": "gzip"}
    assert (await client.post("/v1/embeddings", b"\x1f\x8b", headers)).status == 415


async def test_budget_is_free_after_each_request(make_client: MakeClient) -> None:
    """Whatever the answer was, the memory of its body is given back."""
    client = make_client(total_body_bytes=100)
    bodies = (QUESTION, b"{", {"model": "m"}, QUESTION | {"model": "x" * 300}, QUESTION)
    statuses = [(await client.post("/v1/chat/completions", body)).status for body in bodies]
    assert statuses == [200, 400, 400, 503, 200]
