"""What is embedded (contract rows E2, E3)."""

from __future__ import annotations

import pytest

from glmgate.adaptation.fit import fit_embeddings
from glmgate.errors import InvalidRequest, MissingParameter
from glmgate.wire.embeddings import EmbeddingsRequest
from glmgate.wire.members import convert
from tests.adaptation.requests import PROFILE


def request(**members: object) -> EmbeddingsRequest:
    """An embeddings request."""
    return convert({"model": "m", "input": "a"} | members, EmbeddingsRequest)


@pytest.mark.parametrize(
    ("given_input", "sent"), [("a", ["a"]), (["a", "b"], ["a", "b"]), (["a"] * 2048, ["a"] * 2048)]
)
def test_texts_are_sent_as_a_list(given_input: object, sent: list[str]) -> None:
    """One text is a list of one."""
    assert fit_embeddings(request(input=given_input), PROFILE)[0].input == sent


def test_an_empty_list_is_refused() -> None:
    """There is nothing to embed."""
    with pytest.raises(MissingParameter) as raised:
        fit_embeddings(request(input=[]), PROFILE)
    assert raised.value.param == "input"


@pytest.mark.parametrize(("given_input", "param"), [("", "input"), (["a", ""], "input[1]"), (["a"] * 2049, "input")])
def test_bad_texts_are_refused(given_input: object, param: str) -> None:
    """Empty ones, and more than the bound."""
    with pytest.raises(InvalidRequest) as raised:
        fit_embeddings(request(input=given_input), PROFILE)
    assert raised.value.param == param


@pytest.mark.parametrize("ids", [[1, 2], [[1, 2]], ["a", 1]])
def test_token_ids_are_refused_with_a_hint(ids: object) -> None:
    """LangChain sends them unless it is told not to (contract row E2)."""
    with pytest.raises(InvalidRequest, match="check_embedding_ctx_length=False"):
        fit_embeddings(request(input=ids), PROFILE)


@pytest.mark.parametrize("dimensions", [0, -1, 4097])
def test_dimensions_have_a_range(dimensions: int) -> None:
    """Vectors are bounded."""
    with pytest.raises(InvalidRequest) as raised:
        fit_embeddings(request(dimensions=dimensions), PROFILE)
    assert raised.value.param == "dimensions"


@pytest.mark.parametrize(
    ("dimensions", "report", "exact"), [(1024, "dimensions=384->1024", True), (256, "dimensions=384->256", False)]
)
def test_another_size_is_said(dimensions: int, report: str, exact: bool) -> None:
    """Zeros lose nothing, a projection does; the engine is not asked for either."""
    fitted, (note,) = fit_embeddings(request(dimensions=dimensions), PROFILE)
    assert fitted.dimensions is None
    assert (str(note), note.exact) == (report, exact)


def test_the_models_own_size_needs_no_word() -> None:
    """Nothing is changed."""
    assert fit_embeddings(request(dimensions=384), PROFILE)[1] == ()
