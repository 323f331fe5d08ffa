"""One error body that both worlds read (contract 3.5)."""

from __future__ import annotations

import msgspec

from glmgate.errors import CapacityExceeded, InvalidRequest
from glmgate.wire.error_body import error_body, error_event, other_code
from glmgate.wire.sse import SseReader

ERROR = InvalidRequest("temperature must be at most 2, not 3.", param="temperature")


def test_each_surface_gets_its_own_codes() -> None:
    """Numbers in strings for GLM's clients, words for OpenAI's; the other one stands beside."""
    zai = msgspec.json.decode(error_body(ERROR, "zai", "r-1"))
    openai = msgspec.json.decode(error_body(ERROR, "openai", "r-1"))
    assert (zai["error"]["code"], zai["error"]["openai_code"]) == ("1210", "invalid_value")
    assert (openai["error"]["code"], openai["error"]["zai_code"]) == ("invalid_value", "1210")
    assert (other_code(ERROR, "zai"), other_code(ERROR, "openai")) == ("invalid_value", "1210")


def test_the_body_has_all_four_members_and_the_request_id() -> None:
    """openai exposes code, type and param; both official SDKs show the text."""
    body = msgspec.json.decode(error_body(ERROR, "openai", "r-1"))
    assert body["request_id"] == "r-1"
    assert body["error"]["message"] == ERROR.message
    assert (body["error"]["type"], body["error"]["param"]) == ("invalid_request_error", "temperature")


def test_an_error_in_a_stream_is_one_event() -> None:
    """All SDKs raise from a data event with an `error` member (contract 3.3)."""
    (event,) = SseReader().feed(error_event(CapacityExceeded("full"), "zai", "r-1"))
    assert msgspec.json.decode(event.data)["error"]["code"] == "1302"
