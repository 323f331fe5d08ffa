"""The value that a request becomes."""

from __future__ import annotations

import re

from glmgate.surfaces.request import begin, new_id, request_of


def _scope(**headers: str) -> dict[str, object]:
    pairs = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http", "method": "GET", "path": "/v1/models", "headers": pairs}


def test_own_id_has_the_form_of_glms() -> None:
    """30 characters that begin with the time, as recorded traffic has them (contract 3.2)."""
    assert re.fullmatch(r"20\d{12}[0-9a-f]{16}", new_id())


def test_own_ids_differ() -> None:
    """Two requests in one second have two ids."""
    assert new_id() != new_id()


def test_sane_id_of_the_client_is_kept() -> None:
    """A client's own id is what it will search its log for."""
    assert begin(_scope(x_request_id="client-7:a.b_c")).id == "client-7:a.b_c"


def test_unfit_id_of_the_client_is_replaced() -> None:
    """What would not fit a header or a log line is not taken over."""
    for unfit in ("", " x", "a" * 129, "a\tb", "ä", '"quoted"', "-x"):
        assert begin(_scope(x_request_id=unfit)).id != unfit


def test_value_is_found_in_its_scope() -> None:
    """What the outermost middleware made, the others find."""
    scope = _scope()
    assert begin(scope) is request_of(scope)


def test_first_header_of_a_name_counts() -> None:
    """A second credential cannot replace the first."""
    scope = _scope()
    scope["headers"] = [(b"authorization", b"one"), (b"authorization", b"two")]
    assert begin(scope).headers[b"authorization"] == b"one"
