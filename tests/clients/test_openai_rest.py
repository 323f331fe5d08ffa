"""OpenAI's client and the rest: embeddings, models, older completions, and which exception each refusal becomes."""

from __future__ import annotations

import math

import pytest

from tests.clients.environments import Name
from tests.clients.running import Report, run_script
from tests.clients.snippets import OPENAI
from tests.stories.served import Served

pytestmark = [pytest.mark.clients, pytest.mark.engine]


@pytest.fixture(scope="module", params=OPENAI)
def client(request: pytest.FixtureRequest) -> Name:
    """Each major version."""
    name: Name = request.param
    return name


@pytest.fixture(scope="module", params=["/v1", "/api/paas/v4/"])
def base(request: pytest.FixtureRequest) -> str:
    """Each surface."""
    path: str = request.param
    return path


@pytest.fixture(scope="module")
def report(served: Served, client: Name, base: str) -> Report:
    """What the stories of one version gave on one surface."""
    return run_script(client, "openai_rest", served.base(base), served.key)


def test_base64_and_float_are_the_same_vectors(report: Report) -> None:
    """The SDK asks for base64 by itself and decodes it; as float32 nothing is lost (contract E1)."""
    packed, plain = report.gave("base64"), report.gave("float")
    assert len(packed) == len(plain) == 2
    for one, other in zip(packed, plain, strict=True):
        assert one == pytest.approx(other, rel=1e-6, abs=1e-9)


def test_vectors_have_length_one(report: Report) -> None:
    """Their inner product is their cosine."""
    assert all(math.hypot(*vector) == pytest.approx(1, abs=1e-4) for vector in report.gave("float"))


def test_one_text(report: Report) -> None:
    """A string is a list of one."""
    (vector,) = report.gave("one")
    assert vector == pytest.approx(report.gave("float")[0], abs=1e-5)


def test_dimensions(report: Report) -> None:
    """Every size of embedding-3."""
    assert report.gave("sizes") == [256, 512, 1024, 2048]


def test_embedding_2_has_1024_dimensions(report: Report) -> None:
    """As the seed expects of it."""
    assert report.gave("embedding_2") == 1024


def test_a_hundred_texts(report: Report) -> None:
    """More than GLM takes at once; the answers keep their order, in the size of the name (contract E3)."""
    told = report.gave("hundred")
    assert told["indexes"] == list(range(100))
    assert told["sizes"] == [1536]


def test_usage_of_embeddings(report: Report) -> None:
    """What was read is counted."""
    usage = report.gave("embedding_usage")
    assert usage["prompt_tokens"] == usage["total_tokens"] > 0


def test_the_list_of_models(report: Report) -> None:
    """What really answers, in OpenAI's shape."""
    models = report.gave("models")
    assert "glmgate-tiny" in {model["id"] for model in models}
    assert all(model["object"] == "model" and model["owned_by"] and model["created"] for model in models)


def test_a_stand_in_says_so(report: Report) -> None:
    """The card of a name that another model answers for names that model."""
    card = report.gave("stand_in")
    assert card["id"] == "gpt-4o"
    assert card["glmgate"]["answered_by"] == "glmgate-tiny"


def test_a_legacy_completion(report: Report) -> None:
    """The text goes on, in the older shape."""
    answer = report.gave("completion")
    assert answer["object"] == "text_completion"
    assert answer["choices"][0]["finish_reason"] in {"stop", "length"}
    assert answer["usage"]["completion_tokens"] <= 8


def test_a_legacy_completion_streamed(report: Report) -> None:
    """Its chunks make a text and end once."""
    chunks = report.gave("completion_stream")
    assert sum(chunk["choices"][0]["finish_reason"] is not None for chunk in chunks) == 1
    assert all(isinstance(chunk["choices"][0]["text"], str) for chunk in chunks)


@pytest.mark.parametrize(
    ("story", "kind", "status", "word", "number", "param"),
    [
        ("wrong_secret", "AuthenticationError", 401, "invalid_api_key", "1004", None),
        ("no_dot", "AuthenticationError", 401, "invalid_api_key", "1002", None),
        ("no_model", "NotFoundError", 404, "model_not_found", "1211", "model"),
        ("no_model_card", "NotFoundError", 404, "model_not_found", "1211", "model"),
        ("bad_temperature", "BadRequestError", 400, "invalid_value", "1210", "temperature"),
        ("bad_role", "BadRequestError", 400, "invalid_type", "1210", "messages[0].role"),
        ("no_messages", "BadRequestError", 400, "missing_required_parameter", "1213", "messages"),
        ("too_long", "BadRequestError", 400, "context_length_exceeded", "1261", "messages"),
        ("unserved", "InternalServerError", 501, "unsupported_endpoint", "1222", None),
        ("unserved_list", "InternalServerError", 501, "unsupported_endpoint", "1222", None),
        ("unserved_delete", "InternalServerError", 501, "unsupported_endpoint", "1222", None),
    ],
)
def test_a_refusal_is_the_right_exception(
    report: Report, base: str, story: str, kind: str, status: int, word: str, number: str, param: str | None
) -> None:
    """Class, status, code in the surface's own vocabulary, and the member that was wrong (contract 3.5)."""
    raised = report.raised(story)
    assert (raised["class"], raised["status"]) == (kind, status)
    assert raised["code"] == (word if base == "/v1" else number)
    assert raised["param"] == param


def test_what_is_not_served_is_not_tried_again(report: Report) -> None:
    """`x-should-retry: false` is obeyed, though 501 is a status that the SDK retries."""
    assert report.raised("unserved")["retries"] == "0"
