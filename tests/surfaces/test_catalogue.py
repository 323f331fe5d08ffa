"""Both vendors' catalogues: each path is served, or answers 501 in the right shape."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import util
from pathlib import Path

import pytest

from glmgate.surfaces import catalogue
from glmgate.surfaces.application import routes
from glmgate.surfaces.paths import BASES
from glmgate.surfaces.request import begin
from glmgate.surfaces.routes import SERVED
from glmgate.surfaces.table import Table
from tests.surfaces.asgi_client import AsgiClient

METHODS = {
    "_get": "GET",
    "_post": "POST",
    "_put": "PUT",
    "_delete": "DELETE",
    "_patch": "PATCH",
    "_get_api_list": "GET",
}
ZAI_PATHS = Path(__file__).parent / "data" / "zai_paths.txt"
PLACE = re.compile(r"\{\w+\*?\}")


def _openai_operations() -> set[str]:
    """Every `METHOD /path` in the resources of the installed SDK."""
    spec = util.find_spec("openai.resources")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    return {found for file in folder.rglob("*.py") for found in _calls(ast.parse(file.read_text("utf-8")))}


def _calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
            named = [keyword.value for keyword in node.keywords if keyword.arg == "method"]
            method = str(ast.literal_eval(named[0])).upper() if named else METHODS[node.func.attr]
            yield f"{method} {_path(node.args[0])}"


def _path(argument: ast.expr) -> str:
    """The path of a call: a text, or `path_template(text, ...)`."""
    text = argument.args[0] if isinstance(argument, ast.Call) else argument
    assert isinstance(text, ast.Constant), ast.unparse(argument)
    assert isinstance(text.value, str)
    return text.value.partition("?")[0]


def test_the_sdk_is_read_right() -> None:
    """The SDK has hundreds of operations; reading none would prove nothing."""
    found = _openai_operations()
    assert len(found) > 350
    assert {"POST /chat/completions", "GET /models/{model}", "POST /responses"} <= found


def test_every_path_of_openais_sdk_is_known() -> None:
    """Each operation of the SDK has a route: served, or one that answers 501."""
    table = Table(routes())
    for operation in sorted(_openai_operations()):
        method, path = operation.split()
        scope = {"type": "http", "method": method, "path": f"/v1{PLACE.sub('x1', path)}", "headers": []}
        assert table.find(begin(scope)).route.method == method, operation


def test_every_path_of_the_glm_sdks_is_known() -> None:
    """Each operation of zai-sdk and zhipuai, and of the contract's section 2, has a route."""
    table = Table(routes())
    lines = [line for line in ZAI_PATHS.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert len(lines) > 60
    for line in lines:
        method, path = line.split()
        full = path if path.startswith("/api/") else f"/api/paas/v4{path}"
        scope = {"type": "http", "method": method, "path": PLACE.sub("x1", full), "headers": []}
        assert table.find(begin(scope)).route.method == method, line


def test_no_path_is_served_and_unserved() -> None:
    """What becomes served leaves the catalogue in the same change."""
    served = {(route.method, PLACE.sub("{}", route.path), route.rooted) for route in SERVED}
    listed = [(entry.method, PLACE.sub("{}", entry.path), entry.rooted) for entry in catalogue.load()]
    assert served.isdisjoint(listed)
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("base", [base for base, _ in BASES])
async def test_unserved_path_answers_501_under_every_base(client: AsgiClient, base: str) -> None:
    """JSON with the code that SDKs show, and the word that keeps them from trying again."""
    answer = await client.post(f"{base}/responses", {"model": "m", "input": "hello"})
    assert answer.status == 501
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-should-retry"] == "false"
    error = answer.json()["error"]
    assert "unsupported_endpoint" in {error["code"], error.get("openai_code")}
    assert "chat/completions" in error["message"]


async def test_unserved_path_at_the_root_answers_501_in_numbers(client: AsgiClient) -> None:
    """The knowledge base of BigModel stands under no base, and its clients read numbers."""
    answer = await client.get("/api/llm-application/open/knowledge/7")
    assert (answer.status, answer.json()["error"]["code"]) == (501, "1222")


async def test_unserved_path_needs_no_key(client: AsgiClient) -> None:
    """The answer is the same for everybody, and no body is read for it."""
    assert (await client.post("/v1/images/generations", b"", headers={})).status == 501


async def test_other_path_answers_404(client: AsgiClient) -> None:
    """JSON, never HTML."""
    answer = await client.get("/v1/no-such-thing")
    assert (answer.status, answer.headers["content-type"]) == (404, "application/json")
    assert answer.json()["error"]["code"] == "not_found"
