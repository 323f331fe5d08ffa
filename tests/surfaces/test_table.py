"""Finding routes."""

from __future__ import annotations

import pytest

from glmgate.errors import MethodNotAllowed, PathNotFound
from glmgate.surfaces.exchange import Exchange
from glmgate.surfaces.request import Request, begin
from glmgate.surfaces.table import Route, Table


async def _endpoint(exchange: Exchange) -> None:
    """Never called here."""


def _table(*lines: str) -> Table:
    routes = [line.split() for line in lines]
    return Table(Route(method, path, _endpoint, summary=f"{method} {path}") for method, path in routes)


def _request(method: str, path: str) -> Request:
    return begin({"type": "http", "method": method, "path": path, "headers": []})


def test_literal_path_wins_over_a_template() -> None:
    """`/threads/runs` is no thread of the name `runs`."""
    table = _table("POST /threads/{id}", "POST /threads/runs")
    assert table.find(_request("POST", "/v1/threads/runs")).route.path == "/threads/runs"


def test_literal_segment_wins_inside_templates() -> None:
    """The more literal template is asked first, whatever the order of the table."""
    table = _table("GET /files/{id}/{kind}", "GET /files/{id}/content")
    assert table.find(_request("GET", "/v1/files/a/content")).route.path == "/files/{id}/content"


def test_template_is_asked_when_the_literal_lacks_the_method() -> None:
    """`GET /responses/compact` reads a response of that name."""
    table = _table("POST /responses/compact", "GET /responses/{id}")
    assert table.find(_request("GET", "/v1/responses/compact")).params == {"id": "compact"}


def test_open_segments_are_told() -> None:
    """The endpoint gets what stood in the template's places."""
    table = _table("GET /a/{x}/b/{y}")
    assert table.find(_request("GET", "/v4/a/1/b/2")).params == {"x": "1", "y": "2"}


def test_open_end_takes_all_segments() -> None:
    """Model names have slashes."""
    table = _table("GET /models/{model*}")
    assert table.find(_request("GET", "/v1/models/zai-org/glm-4.6")).params == {"model": "zai-org/glm-4.6"}


def test_open_end_needs_a_segment() -> None:
    """An empty name is no name."""
    with pytest.raises(PathNotFound):
        _table("GET /models/{model*}").find(_request("GET", "/v1/models/"))


def test_head_is_a_get() -> None:
    """RFC 9110, section 9.3.2."""
    assert _table("GET /models").find(_request("HEAD", "/v1/models")).route.method == "GET"


def test_other_method_is_refused_with_the_possible_ones() -> None:
    """405 says what would be possible (RFC 9110, section 15.5.6)."""
    request = _request("PATCH", "/v1/models")
    with pytest.raises(MethodNotAllowed, match="GET, HEAD, OPTIONS, POST"):
        _table("GET /models", "POST /models").find(request)
    assert request.answer_headers == [(b"allow", b"GET, HEAD, OPTIONS, POST")]


def test_paths_under_a_base_are_not_at_the_root() -> None:
    """A path without a base gets a hint at the bases."""
    with pytest.raises(PathNotFound, match="/api/paas/v4"):
        _table("GET /models").find(_request("GET", "/models"))


def test_earlier_route_wins() -> None:
    """What is served stands before what is only known."""
    table = Table([Route("GET", "/a/{x}", _endpoint, "first"), Route("GET", "/a/{y}", _endpoint, "second")])
    assert table.find(_request("GET", "/v1/a/b")).route.summary == "first"
